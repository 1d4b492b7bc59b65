import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
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

function seenAs(id: string, { port = 22, address = '10.0.1.10' } = {}): Seen {
  const instance = instanceWith({ id, addresses: [address] })
  const [host] = hostsOf([instance], observationWith({}), settingsWith({ port }))
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
  const pin = async (seen: Seen | Seen[], output: string | (() => string)) => {
    const asked: string[] = []
    await pinHostKeys([seen].flat(), {
      projectDirectory: folder,
      progress: (message) => said.push(message),
      consoleOf: async ({ id }) => {
        asked.push(id)
        return typeof output === 'string' ? output : output()
      },
    })
    return asked
  }
  return { file, said, pin }
}

for (const port of [22, 2222]) {
  test(`a host on port ${port} is pinned on first sight and its console is not asked for again`, async (t) => {
    const { file, pin } = project(t)
    const seen = seenAs('i-1', { port })

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

test('what others record while consoles are asked is kept, and judged as if it had been there before', async (t) => {
  const { file, pin } = project(t, `10.0.1.11 ${keyOf(2)} i-2\n`)
  const moved = [seenAs('i-1'), seenAs('i-2', { address: '10.0.1.12' })]
  const recording = (text: string) => () => {
    appendFileSync(file, text)
    return consoleWith(keyOf(1))
  }

  await pin(moved, recording(`192.0.2.9 ${keyOf(9)}\n10.0.1.10 ${keyOf(1)} i-1\n`))
  const first = readFileSync(file, 'utf8')
  const error = await t.throwsAsync(
    pin(seenAs('i-3', { address: '10.0.1.13' }), recording(`10.0.1.13 ${keyOf(8)}\n`)),
    { instanceOf: SluiceError },
  )

  t.is(first, `192.0.2.9 ${keyOf(9)}\n10.0.1.10 ${keyOf(1)} i-1\n10.0.1.12 ${keyOf(2)} i-2\n`)
  t.is(error.code, 'HOST_KEY_CHANGED')
  t.is(readFileSync(file, 'utf8'), `${first}10.0.1.13 ${keyOf(8)}\n`)
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

for (const port of [22, 2222]) {
  test(`an instance that comes back at another address, port ${port}, keeps its keys, though its console shows none`, async (t) => {
    const { file, said, pin } = project(t, `# ours\n192.0.2.9 ${keyOf(9)} i-9\n`)
    const [before, after] = [seenAs('i-1', { port }), seenAs('i-1', { port, address: '10.0.1.99' })]
    await pin(before, consoleWith(keyOf(1)))

    const asked = await pin(after, '')

    t.deepEqual(asked, [])
    t.deepEqual(said, ['vm1 (i-1) is at 10.0.1.99 now; its host keys on record go with it'])
    const keys = hostKeys({ knownHostsFile: file, acceptNew: false })
    t.deepEqual([await keys.of(after.host), await keys.of(before.host)], [[keyOf(1)], []])
    t.regex(readFileSync(file, 'utf8'), /^# ours\n192\.0\.2\.9 .* i-9\n/)
    t.deepEqual(await pin(after, ''), [])
  })
}

test('another instance gets the address that one has left, before, after or with it, and shows its own keys there', async (t) => {
  const [first, second] = [keyOf(1), keyOf(2)]
  const start = `10.0.1.10 ${first} i-1\n10.0.1.11 ${second} i-2\n`
  const moved = [seenAs('i-2', { address: '10.0.1.10' }), seenAs('i-1', { address: '10.0.1.12' })]
  const { file, pin } = project(t, start)

  await pin(moved, '')
  await pin([...moved, seenAs('i-3', { address: '10.0.1.11' })], consoleWith(keyOf(3)))

  t.is(
    readFileSync(file, 'utf8'),
    `10.0.1.10 ${second} i-2\n10.0.1.12 ${first} i-1\n10.0.1.11 ${keyOf(3)} i-3\n`,
  )
})

test('an instance whose new address has keys on record of one that is not there any more is an error', async (t) => {
  const recorded = `10.0.1.10 ${keyOf(1)} i-1\n10.0.1.11 ${keyOf(2)} i-2\n`
  const { file, pin } = project(t, recorded)

  const error = await t.throwsAsync(pin(seenAs('i-1', { address: '10.0.1.11' }), ''), {
    instanceOf: SluiceError,
  })

  t.is(error.code, 'HOST_KEY_CHANGED')
  t.regex(
    error.why ?? '',
    /on record for this address: ssh-ed25519 SHA256:\S+\nof i-1, which has it now: ssh-ed25519 SHA256:/,
  )
  t.is(readFileSync(file, 'utf8'), recorded)
})

test('an instance that listens on another port has its keys there too', async (t) => {
  const { file, pin } = project(t)
  const [before, after] = [seenAs('i-1'), seenAs('i-1', { port: 2222 })]
  await pin(before, consoleWith(keyOf(1)))

  await pin(after, '')

  t.is(readFileSync(file, 'utf8'), `10.0.1.10 ${keyOf(1)} i-1\n[10.0.1.10]:2222 ${keyOf(1)} i-1\n`)
})
