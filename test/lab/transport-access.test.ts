import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { chmod, copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { $ } from 'zx'
import { runBatch } from '../../engine/batch.ts'
import { describeError, type SluiceError } from '../../engine/errors.ts'
import type { Host } from '../../engine/inventory.ts'
import { Secret } from '../../engine/secret.ts'
import { sh } from '../../engine/shell.ts'
import type { Connection } from '../../engine/transport/connection.ts'
import { hostKeys } from '../../engine/transport/host-keys.ts'
import { type ConnectOptions, connector } from '../../engine/transport/ssh.ts'
import { projectFolder } from '../support/cli.ts'
import { ask, isRoot, needsRoot, useLab } from '../support/lab-hosts.ts'
import { eventually } from '../support/programs.ts'

const transports = ['node-ssh', 'openssh'] as const
const program = resolve(import.meta.dirname, '../../sluice.ts')
const password = `canary "pass'word" $(id) ä`

if (!isRoot) test.skip(needsRoot, (t) => t.pass())
else {
  const lab = useLab(test, 'access', 3)
  let scratch = ''

  const host = (index: number, traits: Partial<Host> = {}): Host => {
    const found = lab().inventory.hosts[index]
    if (found === undefined) throw new TypeError('the lab has three hosts')
    return { ...found, ...traits }
  }
  const opener = (options: Partial<ConnectOptions> = {}) => {
    const keys = hostKeys({ knownHostsFile: join(scratch, 'known_hosts'), acceptNew: false })
    return connector({ hostKeys: keys, timeoutMs: 20_000, ...options })
  }
  const onHost = async <Result>(
    way: Host,
    options: Partial<ConnectOptions>,
    use: (connection: Connection) => Promise<Result>,
  ) => {
    const connection = await opener(options)(way)
    try {
      return await use(connection)
    } finally {
      connection.close()
    }
  }
  const whoAmI = (connection: Connection) => ask(connection, sh`id -un; hostname`)

  test.serial.before(async (t) => {
    t.timeout(600_000)
    scratch = await mkdtemp(join(tmpdir(), 'sluice-access-'))
    const bastion = host(1).address
    await onHost(host(2), {}, (connection) =>
      ask(
        connection,
        sh`iptables -I INPUT -p tcp --dport 22 ! -s ${bastion} -m conntrack --ctstate NEW -j DROP`,
      ),
    )
    await onHost(host(0), {}, (connection) =>
      ask(
        connection,
        sh`
          for name in asked terminal terminal-asked stranger; do
            useradd --create-home --shell /bin/bash $name
            printf '%s:%s\\n' $name ${new Secret(password)} | chpasswd
            install -d -m 0700 -o $name -g $name /home/$name/.ssh
            install -m 0600 -o $name -g $name ~sluice/.ssh/authorized_keys /home/$name/.ssh/
          done
          install -d -m 0700 /root/.ssh && install -m 0600 ~sluice/.ssh/authorized_keys /root/.ssh/
          cat > /etc/sudoers.d/asked <<'END'
Defaults:terminal requiretty
Defaults:terminal-asked requiretty
asked ALL=(ALL) ALL
terminal ALL=(ALL) NOPASSWD:ALL
terminal-asked ALL=(ALL) ALL
END
          chmod 0440 /etc/sudoers.d/asked; visudo -cq`,
      ),
    )
  })
  test.after.always(() => rm(scratch, { recursive: true, force: true }))

  for (const transport of transports) {
    const promise = (title: string, body: (t: ExecutionContext) => Promise<void>) =>
      test.serial(`${transport}: ${title}`, body)

    promise('a host that only the bastion reaches is reached through it, by a chain too', async (t) => {
      const first = host(0, { transport })
      const bastion = host(1, { transport })
      const direct = await t.throwsAsync<SluiceError>(opener({ timeoutMs: 1000 })(host(2, { transport })))

      for (const jump of [bastion, { ...bastion, jump: first }]) {
        t.is(await onHost(host(2, { transport, jump }), {}, whoAmI), 'root\nvm3')
      }

      t.is(direct.code, 'HOST_UNREACHABLE')
    })

    promise(
      'hosts behind one bastion share a connection to it, which ends with the last of them',
      async (t) => {
        const open = opener()
        const bastion = host(1, { transport })
        const logins = () =>
          onHost(host(1), {}, (c) => ask(c, sh`ss -Hnt state established 'sport = :22' | wc -l`))
        await eventually('the connections of before are gone', async () => (await logins()) === '1')

        const connections = await Promise.all(
          [2, 2, 2, 0].map((index) => open(host(index, { transport, jump: bastion }))),
        )
        const names = await Promise.all(connections.map((connection) => ask(connection, sh`hostname`)))
        const during = await logins()
        for (const connection of connections) connection.close()

        t.deepEqual(names, ['vm3', 'vm3', 'vm3', 'vm1'])
        t.is(during, '2')
        await eventually('the one to the bastion is gone', async () => (await logins()) === '1', 10_000)
      },
    )

    promise('a bastion that is down, and a host behind it that is, are told apart', async (t) => {
      const down = host(1, { transport, address: host(1).address.replace(/\d+$/, '99'), name: 'bastion' })

      const first = await t.throwsAsync<SluiceError>(
        opener({ timeoutMs: 1500 })(host(2, { transport, jump: down })),
      )
      const second = await t.throwsAsync<SluiceError>(
        opener()(host(2, { transport, port: 24, jump: host(1, { transport }) })),
      )

      t.is(first.code, 'HOST_UNREACHABLE')
      t.regex(describeError(first), /bastion/)
      t.is(second.code, 'HOST_UNREACHABLE')
      t.regex(second.subject, /:24/)
    })

    promise(
      'an encrypted key is opened by its passphrase, or by an agent, and never by guessing',
      async (t) => {
        const identityFile = join(scratch, `encrypted-${transport}`)
        const passphrase = new Secret(password)
        await copyFile(host(0).identityFile ?? '', identityFile)
        await chmod(identityFile, 0o600)
        await $({ quiet: true })`ssh-keygen -q -p -f ${identityFile} -N ${passphrase.reveal()} -P ${''}`
        const way = host(0, { transport, identityFile })

        const none = await t.throwsAsync<SluiceError>(opener()(way))
        const wrong = await t.throwsAsync<SluiceError>(
          opener({ askPassphrase: async () => new Secret('wrong') })(way),
        )
        const typed = await onHost(way, { askPassphrase: async () => passphrase }, whoAmI)

        t.is(none.code, 'KEY_UNUSABLE')
        t.regex(none.advice ?? '', /ssh-add/)
        t.is(wrong.code, 'KEY_UNUSABLE')
        t.regex(wrong.subject, /passphrase does not open/)
        t.is(typed, 'root\nvm1')
        t.notRegex([none, wrong].map(describeError).join(), /canary/)

        await withAgent(host(0).identityFile ?? '', async () => {
          t.is(await onHost(way, {}, whoAmI), 'root\nvm1')
          const { identityFile: _, ...anyKey } = host(0, { transport })
          t.is(await onHost(anyKey, {}, whoAmI), 'root\nvm1')
        })
      },
    )

    for (const user of ['root', 'sluice', 'asked', 'terminal', 'terminal-asked']) {
      promise(`${user} becomes root, whatever sudo wants for it`, async (t) => {
        const becomePassword = user.includes('asked') ? new Secret(password) : undefined
        await onHost(host(0, { transport, user }), { becomePassword }, async (connection) => {
          const outcomes = await runBatch(
            connection,
            [sh`id -un; echo error >&2`, sh`printf %s ${'x'.repeat(300_000)}`, sh`exit 3`],
            { stopOnFailure: false, timeoutSeconds: () => 20 },
          )
          const again = await ask(connection, sh`echo "$SLUICE_CLIENT"; find /tmp -name 'tmp.*'`)
          const timeout = await t.throwsAsync<SluiceError>(
            runBatch(connection, [sh`exec sleep 31536001`], { stopOnFailure: true, timeoutSeconds: () => 1 }),
          )

          t.deepEqual(
            outcomes.map(({ exitCode, stdout, stderr }) => [exitCode, stdout.length, stderr]),
            [
              [0, 5, 'error\n'],
              [0, 300_000, ''],
              [3, 0, ''],
            ],
          )
          t.regex(again, /^10\.77\.\d+\.1(\n\/tmp\/tmp\.\w+(\/input)?)*$/)
          t.is(timeout.code, 'STEP_TIMEOUT')
          t.is(await ask(connection, sh`ps -eo args= | grep -c '^sleep 31536001' || :`), '0')
        })
      })
    }

    promise('a password that sudo does not need is not taken for anything else', async (t) => {
      const becomePassword = new Secret(password)
      t.is(await onHost(host(0, { transport }), { becomePassword }, whoAmI), 'root\nvm1')
    })

    promise('sudo that says no says why, a wrong password is tried once, and none is shown', async (t) => {
      const failures = () =>
        onHost(host(0), {}, (c) =>
          ask(c, sh`journalctl --quiet --output=cat _COMM=sudo | grep -c 'authentication failure' || :`),
        )
      const attempt = (user: string, becomePassword?: Secret) =>
        t.throwsAsync<SluiceError>(onHost(host(0, { transport, user }), { becomePassword }, whoAmI))
      const before = Number(await failures())

      const wrong = await attempt('asked', new Secret('canary wrong'))
      const after = Number(await failures())
      const none = await attempt('asked')
      const stranger = await attempt('stranger', new Secret(password))

      t.deepEqual(
        [wrong, none, stranger].map(({ code }) => code),
        ['BECOME_REFUSED', 'BECOME_REFUSED', 'BECOME_REFUSED'],
      )
      t.is(after - before, 1)
      t.regex(wrong.subject, /does not take the password/)
      t.regex(none.advice ?? '', /--ask-become-pass/)
      t.regex(stranger.subject, /may not use sudo/)
      const journal = await onHost(host(0), {}, (c) => ask(c, sh`journalctl --quiet --output=cat`))
      for (const text of [...[wrong, none, stranger].map(describeError), journal]) t.notRegex(text, /canary/)
    })

    promise('the password is in no argument of any process, here or on the host', async (t) => {
      const options = { becomePassword: new Secret(password) }
      const [there, here] = await onHost(host(0, { transport, user: 'asked' }), options, (connection) =>
        Promise.all([
          ask(
            connection,
            sh`sleep 0.5; cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'`,
          ),
          $({ quiet: true, shell: '/bin/sh', prefix: '' })`sleep 0.4; ps -eo args=`,
        ]),
      )

      t.notRegex(there, /canary/)
      t.notRegex(here.stdout, /canary/)
    })
  }

  test.serial(
    'secrets are taken from a terminal without showing them, a pipe or the environment',
    async (t) => {
      const identityFile = join(scratch, 'encrypted-node-ssh')
      const { address, hostKeys: keys } = host(0)
      const entry = { address, hostKeys: keys, user: 'asked', identityFile, groups: [] }
      const folder = projectFolder(t, {
        'hosts.json': JSON.stringify({ groups: {}, hosts: { vm1: entry }, policy: { admin: [], rules: [] } }),
        'open.json': JSON.stringify({
          groups: {},
          hosts: { vm1: { ...entry, identityFile: host(0).identityFile } },
          policy: { admin: [], rules: [] },
        }),
      })
      const doctor = `'${process.execPath}' '${program}' doctor --json -i`

      const typed = await answered(folder, `script -qec "${doctor} hosts.json --ask-become-pass" /dev/null`, [
        ['sudo on the hosts: ', `${password.replace('pass', 'paX\u007fss')}\r`],
        ['encrypted-node-ssh: ', `${password}\r`],
      ])
      const piped = await answered(
        folder,
        `printf '%s\\n' "$PASSWORD" | ${doctor} open.json --ask-become-pass`,
        [],
      )
      const given = await answered(folder, `SLUICE_BECOME_PASSWORD=$PASSWORD ${doctor} open.json`, [])

      for (const said of [typed, piped, given]) {
        t.regex(said, /"subject":"vm1","state":"ok","found":"asked@/)
        t.notRegex(said, /canary/)
      }
    },
  )

  test.serial('the known-hosts file is touched by none of this', (t) => {
    t.throws(() => readFileSync(join(scratch, 'known_hosts')), { code: 'ENOENT' })
  })
}

/** Runs a shell command, answering what it asks; everything that it showed. */
async function answered(folder: string, command: string, answers: [string, string][]): Promise<string> {
  const { SLUICE_INVENTORY: _, ...inherited } = process.env
  const child = spawn('sh', ['-c', command], { cwd: folder, env: { ...inherited, PASSWORD: password } })
  let shown = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      shown += text
      const [question = '', answer = ''] = answers[0] ?? []
      if (question === '' || !shown.endsWith(question)) return
      answers.shift()
      child.stdin.write(answer)
    })
  }
  await once(child, 'close')
  return shown
}

/** A real agent that holds one key, for as long as `use` takes. */
async function withAgent(identityFile: string, use: () => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-agent-'))
  const socket = join(directory, 'agent')
  const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' })
  const { SSH_AUTH_SOCK: before } = process.env
  try {
    await $({ quiet: true })`until test -S ${socket}; do sleep 0.05; done`
    process.env.SSH_AUTH_SOCK = socket
    await $({ quiet: true })`ssh-add -q ${identityFile}`
    await use()
  } finally {
    if (before === undefined) delete process.env.SSH_AUTH_SOCK
    else process.env.SSH_AUTH_SOCK = before
    agent.kill()
    await rm(directory, { recursive: true, force: true })
  }
}
