import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { SluiceError } from '../../../../engine/errors.ts'
import { ensureKey, readKeyFile } from '../../../../engine/transport/identity.ts'
import { localConnection } from '../../../support/local-connection.ts'
import { scratch } from '../../../support/resources.ts'

const { host } = localConnection()

for (const [type, form, passphrase] of [
  ['ed25519', 'RFC4716', ''],
  ['ed25519', 'RFC4716', 'words'],
  ['rsa', 'PEM', ''],
  ['rsa', 'PEM', 'words'],
  ['ecdsa', 'PKCS8', ''],
  ['ecdsa', 'PKCS8', 'words'],
] as const) {
  test(`a key file of type ${type} in form ${form} ${passphrase === '' ? 'is open' : 'is known to be encrypted'}`, (t) => {
    const path = join(scratch(), 'key')
    execFileSync('ssh-keygen', ['-q', '-t', type, '-m', form, '-N', passphrase, '-f', path])

    const file = readKeyFile(path, host)

    t.is(file.encrypted, passphrase !== '')
    t.is(file.publicKey, readFileSync(`${path}.pub`, 'utf8').split(' ')[1])
    t.regex(file.type ?? '', new RegExp(type))
  })
}

test('a key file that cannot be read is an error that names it and the host', (t) => {
  const error = t.throws(() => readKeyFile('/nonexistent/key', host), { instanceOf: SluiceError })

  t.is(error.code, 'KEY_UNUSABLE')
  t.is(error.at, host.name)
  t.regex(error.subject, /\/nonexistent\/key/)
})

const publicHalf = (path: string) => readFileSync(`${path}.pub`, 'utf8').trim()
const keyPair = () => {
  const path = join(scratch(), 'key')
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path])
  return path
}

test.serial(
  'hosts that let in the key that would be tried are no error, others are one that says both',
  async (t) => {
    const [tried, other] = [keyPair(), keyPair()]
    delete process.env.SSH_AUTH_SOCK

    await t.notThrowsAsync(ensureKey({ name: 'aws', identityFile: tried }, publicHalf(tried)))
    const error = await t.throwsAsync(ensureKey({ name: 'aws', identityFile: tried }, publicHalf(other)), {
      instanceOf: SluiceError,
    })

    t.is(error.code, 'KEY_UNUSABLE')
    t.is(error.why, `tried would be ${tried}, and they let in ${publicHalf(other)}`)
  },
)

test.serial('a key in an agent is one to log in with, an agent without keys is none', async (t) => {
  const key = keyPair()
  const socket = join(scratch(), 'agent')
  const agent = execFileSync('ssh-agent', ['-a', socket], { encoding: 'utf8' })
  const home = process.env.HOME
  t.teardown(() => {
    process.kill(Number(/SSH_AGENT_PID=(\d+)/.exec(agent)?.[1]))
    delete process.env.SSH_AUTH_SOCK
    process.env.HOME = home
  })
  process.env.HOME = scratch()
  process.env.SSH_AUTH_SOCK = socket

  const empty = await t.throwsAsync(ensureKey({ name: 'aws' }, publicHalf(key)), { instanceOf: SluiceError })
  execFileSync('ssh-add', ['-q', key])
  await t.notThrowsAsync(ensureKey({ name: 'aws' }, publicHalf(key)))
  delete process.env.SSH_AUTH_SOCK
  const none = await t.throwsAsync(ensureKey({ name: 'aws' }, publicHalf(key)), { instanceOf: SluiceError })

  t.is(empty.subject, 'there is no key to log in with to aws')
  t.regex(empty.why ?? '', /the SSH agent holds no key/)
  t.regex(none.why ?? '', /no SSH agent is running/)
})
