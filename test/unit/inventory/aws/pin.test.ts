import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { SluiceError } from '../../../../engine/errors.ts'
import { hostKeys } from '../../../../engine/transport/host-keys.ts'
import { hostsOf } from '../../../../inventory/aws/hosts.ts'
import { pinHostKeys, type Seen } from '../../../../inventory/aws/pin.ts'
import { projectFolder } from '../../../support/cli.ts'
import { instanceWith, observationWith, settingsWith } from './cloud.ts'

const field = (content: Buffer) => Buffer.concat([Buffer.from([0, 0, 0, content.length]), content])
const keyOf = (byte: number) =>
  `ssh-ed25519 ${Buffer.concat([field(Buffer.from('ssh-ed25519')), field(Buffer.alloc(32, byte))]).toString('base64')}`
const consoleWith = (key: string) =>
  `-----BEGIN SSH HOST KEY KEYS-----\n${key} root@vm1\n-----END SSH HOST KEY KEYS-----\n`

function seenAs(id: string, port = 22): Seen {
  const [host] = hostsOf([instanceWith({ id })], observationWith({}), settingsWith({ port }))
  if (host === undefined) throw new TypeError('one instance is one host')
  return { host, id, region: 'eu-central-1' }
}

/** A project with this in its known-hosts file; `pin` gives the consoles that were asked for. */
function project(t: Parameters<typeof projectFolder>[0], recorded?: string) {
  const folder = projectFolder(t)
  const file = join(folder, '.sluice', 'known_hosts')
  if (recorded !== undefined) {
    mkdirSync(join(folder, '.sluice'))
    writeFileSync(file, recorded)
  }
  const said: string[] = []
  const pin = async (seen: Seen, output: string) => {
    const asked: string[] = []
    await pinHostKeys([seen], {
      projectDirectory: folder,
      progress: (message) => said.push(message),
      consoleOf: async ({ id }) => {
        asked.push(id)
        return output
      },
    })
    return asked
  }
  return { file, said, pin }
}

for (const port of [22, 2222]) {
  test(`a host on port ${port} is pinned on first sight and its console is not asked for again`, async (t) => {
    const { file, pin } = project(t)
    const seen = seenAs('i-1', port)

    const first = await pin(seen, consoleWith(keyOf(1)))
    const second = await pin(seen, consoleWith(keyOf(2)))

    t.deepEqual([first, second], [['i-1'], []])
    t.deepEqual(await hostKeys({ knownHostsFile: file, acceptNew: false }).of(seen.host), [keyOf(1)])
  })
}

test('another instance with other keys at the same address is an error that shows both', async (t) => {
  const { file, pin } = project(t)
  await pin(seenAs('i-1'), consoleWith(keyOf(1)))
  const before = readFileSync(file, 'utf8')

  const error = await t.throwsAsync(pin(seenAs('i-2'), consoleWith(keyOf(2))), { instanceOf: SluiceError })

  t.is(error.code, 'HOST_KEY_CHANGED')
  t.is(error.why?.match(/ssh-ed25519 SHA256:/g)?.length, 2)
  t.is(readFileSync(file, 'utf8'), before)
})

test('a key that was accepted before and is on the console too is the host of that instance', async (t) => {
  const { pin } = project(t, `10.0.1.10 ${keyOf(1)}\n`)

  await pin(seenAs('i-1'), consoleWith(keyOf(1)))

  t.deepEqual(await pin(seenAs('i-1'), ''), [])
})

test('a console without keys is said, and asked for again', async (t) => {
  const { said, pin } = project(t)

  await pin(seenAs('i-1'), '')

  t.deepEqual(said, ['no host keys on the console, yet or any more: vm1 (i-1)'])
  t.deepEqual(await pin(seenAs('i-1'), consoleWith(keyOf(1))), ['i-1'])
})
