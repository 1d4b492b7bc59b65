import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { SluiceError } from '../../engine/errors.ts'
import type { Host } from '../../engine/inventory.ts'
import { file } from '../../engine/resources/file.ts'
import { sshdConfig } from '../../engine/resources/sshd-config.ts'
import { sh } from '../../engine/shell.ts'
import type { Connection } from '../../engine/transport/connection.ts'
import { keyFingerprint } from '../../engine/transport/host-keys.ts'
import { converge } from '../support/converge.ts'
import { ask, fingerprint, isRoot, needsRoot, useLab } from '../support/lab-hosts.ts'
import { scratch } from '../support/resources.ts'

const accountsKeys = '/home/sluice/.ssh/authorized_keys'
const ofAccount = { owner: 'sluice', group: 'sluice', mode: '0600' }

interface KeyPair {
  path: string
  line: string
  print: string
}

function keyPair(type = 'ed25519', bits = '256'): KeyPair {
  const path = join(scratch(), 'key')
  execFileSync('ssh-keygen', ['-q', '-t', type, '-b', bits, '-N', '', '-f', path])
  const line = readFileSync(`${path}.pub`, 'utf8').trim()
  return { path, line, print: keyFingerprint(Buffer.from(line.split(' ')[1] ?? '', 'base64')) }
}

if (!isRoot) test.skip(needsRoot, (t) => t.pass())
else {
  const lab = useLab(test, 'way-in', 1)
  const host = (traits: Partial<Host> = {}): Host => {
    const [first] = lab().inventory.hosts
    if (first === undefined) throw new TypeError('the lab has a host')
    return { ...first, ...traits }
  }
  const login = (connection: Connection) => ({ user: connection.host.user, from: '10.0.0.1' })
  const printOf = (identityFile: string) =>
    execFileSync('ssh-keygen', ['-lf', identityFile], { encoding: 'utf8' }).split(' ')[1] ?? ''

  for (const transport of ['node-ssh', 'openssh'] as const) {
    test.serial(`${transport}: a plan that takes the controller's own key away is refused`, async (t) => {
      const connection = await lab().connect(host({ transport }))
      t.teardown(() => connection.close())
      const ours = printOf(host().identityFile ?? '')
      const { line: other } = keyPair()
      const present = await ask(connection, sh`cat ${accountsKeys}`)
      const before = await fingerprint(connection)

      t.deepEqual(connection.offeredKeys, [ours])
      for (const resource of [
        file({ path: accountsKeys, content: `${other}\n`, ...ofAccount }),
        ...['cert-authority', 'no-pty,cert-authority', 'from="10.*,!\\"",Cert-Authority,no-pty'].map(
          (options) => file({ path: accountsKeys, content: `${options} ${present}\n`, ...ofAccount }),
        ),
        file({ path: accountsKeys, content: `${present}\n`, ...ofAccount, owner: 'root' }),
        file({ path: accountsKeys, content: `${present}\n`, ...ofAccount, mode: '0620' }),
        sshdConfig({ content: 'AuthorizedKeysFile /etc/ssh/keys/%u\n', login: login(connection) }),
        sshdConfig({ content: 'AuthorizedKeysFile none\n', login: login(connection) }),
        sshdConfig({ content: 'PubkeyAcceptedAlgorithms rsa-sha2-512\n', login: login(connection) }),
      ]) {
        const error = await t.throwsAsync(converge(connection, [resource]), { instanceOf: SluiceError })
        const { code, subject } = error
        t.is(code, 'LOCKOUT_PREVENTED')
        t.true(
          subject.startsWith(
            `sshd would no longer take the key by which the controller logs in as sluice, ${ours}`,
          ),
          subject,
        )
      }
      t.is(await fingerprint(connection), before)
    })
  }

  for (const [type, settings] of [
    ['ssh-ed25519', 'HostKeyAlgorithms rsa-sha2-512,rsa-sha2-256'],
    ['ssh-ed25519', 'HostKey /etc/ssh/ssh_host_rsa_key'],
    ['ecdsa-sha2-nistp256', 'HostKeyAlgorithms ssh-ed25519,rsa-sha2-512'],
  ] as const) {
    test.serial(`where only ${type} is on record, ${settings} is refused`, async (t) => {
      const hostKeys = host().hostKeys.filter((key) => key.startsWith(type))
      const connection = await lab().connect(host({ hostKeys }))
      t.teardown(() => connection.close())
      await ask(connection, sh`ssh-keygen -A`)
      const plan = sshdConfig({ content: `${settings}\n`, login: login(connection) })

      const { code, subject } = await t.throwsAsync(converge(connection, [plan]), { instanceOf: SluiceError })

      t.is(code, 'LOCKOUT_PREVENTED')
      t.is(subject, `sshd would no longer show a host key that is on record for it: that is ${type}`)
    })
  }

  test.serial('host keys may be hidden as long as one that is on record is shown', async (t) => {
    const reconnect = () => lab().connect(host())
    const connection = await reconnect()
    t.teardown(() => connection.close())
    const plan = sshdConfig({ content: 'HostKeyAlgorithms ssh-ed25519\n', login: login(connection) })

    const { error } = await converge(connection, [plan], { reconnect, guardSeconds: 8 })

    t.is(error, undefined)
  })

  test.serial('an obsolete option in sshd_config, which sshd warns of, is no lockout', async (t) => {
    const connection = await lab().connect(host())
    t.teardown(() => connection.close())
    const obsolete = 'UsePrivilegeSeparation yes'
    await ask(connection, sh`echo ${obsolete} >> /etc/ssh/sshd_config`)
    const plan = sshdConfig({ content: 'LoginGraceTime 40\n', login: login(connection) })
    const reconnect = () => lab().connect(host())

    const { error } = await converge(connection, [plan], { reconnect, guardSeconds: 8 })

    const again = await reconnect()
    t.teardown(() => again.close())
    t.is(error, undefined)
    t.regex(await ask(again, sh`sshd -t 2>&1`), /Deprecated option/)
    t.is(await ask(again, sh`sshd -T 2>/dev/null | grep logingracetime`), 'logingracetime 40')
    await ask(again, sh`sed -i ${`/^${obsolete}$/d`} /etc/ssh/sshd_config`)
  })

  test.serial('a file of keys that still has ours, and one of another account, are no lockout', async (t) => {
    const connection = await lab().connect(host())
    t.teardown(() => connection.close())
    const { line: other } = keyPair()
    const present = await ask(connection, sh`cat ${accountsKeys}`)
    const reconnect = () => lab().connect(host())

    const { error, changed } = await converge(
      connection,
      [
        file({
          path: accountsKeys,
          content: `${other}\nno-pty ${present} on my cert-authority laptop\n`,
          ...ofAccount,
        }),
        file({ path: '/root/.ssh/authorized_keys', content: `${other}\n`, mode: '0600' }),
      ],
      { reconnect, guardSeconds: 8 },
    )

    t.is(error, undefined)
    t.is(changed.length, 2)
  })

  test.serial('sshd may look for keys elsewhere when ours is put there first', async (t) => {
    const connection = await lab().connect(host())
    t.teardown(() => connection.close())
    const present = await ask(connection, sh`cat ${accountsKeys}; mkdir -p /etc/ssh/keys`)
    const elsewhere = (content: string) => [
      file({ path: '/etc/ssh/keys/sluice', content }),
      sshdConfig({ content: 'AuthorizedKeysFile /etc/ssh/keys/%u\n', login: login(connection) }),
      file({ path: accountsKeys, content: '', ...ofAccount }),
    ]
    const reconnect = () => lab().connect(host())

    const without = await converge(connection, elsewhere(`${keyPair().line}\n`), {
      reconnect,
      guardSeconds: 8,
    })
    const again = await lab().connect(host())
    const inForce = await ask(again, sh`sshd -T | grep authorizedkeysfile`)
    const withOurs = await converge(again, elsewhere(`${present}\n`), { reconnect, guardSeconds: 8 })
    const last = await lab().connect(host())
    const back = await converge(
      last,
      [
        file({ path: accountsKeys, content: `${present}\n`, ...ofAccount }),
        sshdConfig({ content: '\n', login: login(connection) }),
      ],
      { reconnect, guardSeconds: 8 },
    )

    t.is(without.error?.code, 'LOCKOUT_PREVENTED')
    t.deepEqual(without.changed, ['file /etc/ssh/keys/sluice'])
    t.is(inForce, 'authorizedkeysfile .ssh/authorized_keys .ssh/authorized_keys2')
    t.deepEqual([withOurs.error, back.error], [undefined, undefined])
    t.is(withOurs.changed.length, 3)
    again.close()
    last.close()
  })

  for (const transport of ['node-ssh', 'openssh'] as const) {
    test.serial(
      `${transport}: MaxAuthTries below the number of keys that are offered up to ours is refused`,
      async (t) => {
        t.timeout(600_000)
        const socket = join(scratch(), 'agent')
        const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'ignore'] })
        const former = process.env.SSH_AUTH_SOCK
        t.teardown(async () => {
          if (former === undefined) delete process.env.SSH_AUTH_SOCK
          else process.env.SSH_AUTH_SOCK = former
          agent.kill()
          await once(agent, 'exit')
        })
        await once(agent.stdout, 'data')
        process.env.SSH_AUTH_SOCK = socket
        const others = [keyPair(), keyPair('ecdsa')]
        const ours = host().identityFile ?? ''
        for (const path of [...others.map(({ path }) => path), ours])
          execFileSync('ssh-add', ['-q', path], { env: { ...process.env, SSH_AUTH_SOCK: socket } })
        const connection = await lab().connect(host({ transport, identityFile: undefined }))
        t.teardown(() => connection.close())
        const tries = (count: number) =>
          converge(
            connection,
            [sshdConfig({ content: `MaxAuthTries ${count}\n`, login: login(connection) })],
            {
              reconnect: () => lab().connect(host({ transport, identityFile: undefined })),
              guardSeconds: 8,
            },
          )

        const { offeredKeys = [] } = connection
        const tooFew = await t.throwsAsync(tries(offeredKeys.length - 1), { instanceOf: SluiceError })
        const enough = await tries(offeredKeys.length)

        t.deepEqual(offeredKeys.slice(-3), [...others.map(({ print }) => print), printOf(ours)])
        t.is(tooFew.code, 'LOCKOUT_PREVENTED')
        t.regex(
          tooFew.subject,
          new RegExp(
            `number ${offeredKeys.length} of those that it offers, and MaxAuthTries would be ${offeredKeys.length - 1}`,
          ),
        )
        t.is(enough.error, undefined)
      },
    )
  }
}
