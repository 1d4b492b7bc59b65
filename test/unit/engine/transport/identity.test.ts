import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { SluiceError } from '../../../../engine/errors.ts'
import { readKeyFile } from '../../../../engine/transport/identity.ts'
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

  t.is(error.code, 'LOGIN_REFUSED')
  t.is(error.at, host.name)
  t.regex(error.subject, /\/nonexistent\/key/)
})
