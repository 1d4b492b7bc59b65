import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { Host } from '../../../engine/inventory.ts'
import { type CliResult, projectFolder } from '../../support/cli.ts'
import { documentsOf } from '../../support/json-documents.ts'
import { isRoot, needsRoot, useLab } from '../../support/lab-hosts.ts'

const withHosts = isRoot ? test.serial : test.serial.skip
if (!isRoot) test.skip(needsRoot, (t) => t.pass())
const lab = isRoot ? useLab(test, 'ssh-config', 2) : undefined

const program = resolve(import.meta.dirname, '../../../sluice.ts')

/** A person whose ssh has this configuration, and whose project has this section: what is typed is run as that person. */
function person(t: ExecutionContext, config: string, section: object) {
  const home = projectFolder(t, { 'sluice.config.json': JSON.stringify(section) })
  mkdirSync(join(home, '.ssh'), { mode: 0o700 })
  writeFileSync(join(home, '.ssh', 'config'), config, { mode: 0o600 })
  // ssh looks for its files where the account has its home, whatever HOME says.
  writeFileSync(join(home, 'passwd'), `root:x:0:0::${home}:/bin/sh\nsshd:x:101:65534::/run/sshd:/bin/false\n`)
  const script = 'mount --bind "$0/passwd" /etc/passwd && cd "$0" && exec "$@"'
  const run = (...words: string[]) => {
    const { promise, resolve: end } = Promise.withResolvers<CliResult>()
    const child = execFile(
      'unshare',
      ['--mount', 'sh', '-c', script, home, process.execPath, program, ...words],
      { env: { ...process.env, HOME: home, SSH_AUTH_SOCK: '' } },
      (_error, stdout, stderr) => end({ exitCode: child.exitCode ?? -1, stdout, stderr }),
    )
    child.stdin?.end()
    return promise
  }
  return { home, run }
}

function hosts(): { door: Host; inner: Host } {
  const [door, inner] = lab?.().inventory.hosts ?? []
  if (door === undefined || inner === undefined) throw new TypeError('the lab has two hosts')
  return { door, inner }
}

/** The configuration that most people have: a way in, and hosts behind it. */
function configOf(settings: string): string {
  const { door, inner } = hosts()
  return `Host door
  HostName ${door.address}
Host inner
  HostName ${inner.address}
  ${settings}
Host *
  User ${inner.user}
  IdentityFile ${inner.identityFile}
`
}

const section = { inventory: 'ssh-config', sshConfig: { groups: { kafka: ['inner'] } } }

/** What doctor found of a host. */
function found({ stdout }: CliResult, host: string) {
  return documentsOf(stdout, 'doctor-finding').find(({ subject }) => subject === host)
}

withHosts('a host behind another one is reached with the keys that known_hosts has', async (t) => {
  const { home, run } = person(t, configOf('ProxyJump door'), section)
  const { door, inner } = hosts()
  const lines = [door, inner].flatMap(({ address, hostKeys }) => hostKeys.map((key) => `${address} ${key}\n`))
  writeFileSync(join(home, '.ssh', 'known_hosts'), lines.join(''))

  const result = await run('doctor', '--json')

  t.like(found(result, 'inner'), { state: 'ok' }, result.stdout + result.stderr)
})

withHosts('with a key that nobody vouches for, the jump host is the one that is named', async (t) => {
  const { run } = person(t, configOf('ProxyJump door'), section)

  const result = await run('doctor', '--json')

  const finding = found(result, 'inner')
  t.is(finding?.state, 'problem')
  t.regex(finding?.found ?? '', /nothing vouches for the key of door/)
})

withHosts('what only ssh can do is done by ssh, by the name that it knows', async (t) => {
  const { home, run } = person(
    t,
    configOf(`ProxyCommand ssh -o StrictHostKeyChecking=accept-new -W %h:%p door`),
    {
      ...section,
      sshConfig: { ...section.sshConfig, privateAddresses: { inner: ['10.0.1.10'] } },
    },
  )

  const unknown = await run('doctor', '--json')
  const accepted = await run('doctor', '--json', '--accept-new-host-keys')
  const known = await run('doctor', '--json')

  t.regex(found(unknown, 'inner')?.found ?? '', /nothing vouches for the key of inner/, unknown.stdout)
  t.like(found(accepted, 'inner'), { state: 'ok' }, accepted.stdout)
  t.like(found(known, 'inner'), { state: 'ok' }, known.stdout)
  t.regex(known.stderr, /inner: by the system's ssh, for ProxyCommand/)
  t.true(readFileSync(join(home, '.sluice', 'known_hosts'), 'utf8').startsWith(`${hosts().inner.address} `))
  t.true(existsSync(join(home, '.ssh', 'known_hosts')))
})

withHosts('the jump host that an Ansible inventory names in arguments for ssh is gone through', async (t) => {
  const { door, inner } = hosts()
  const { home, run } = person(t, '', {})
  const lines = [door, inner].flatMap(({ address, hostKeys }) => hostKeys.map((key) => `${address} ${key}\n`))
  writeFileSync(join(home, '.ssh', 'known_hosts'), lines.join(''))
  const way = `ssh -W %h:%p -q -i ${door.identityFile} ${door.user}@${door.address}`
  writeFileSync(
    join(home, 'hosts'),
    `[kafka]
inner ansible_host=${inner.address}
[all:vars]
ansible_user=${inner.user}
ansible_ssh_private_key_file=${inner.identityFile}
ansible_ssh_common_args='-o ProxyCommand="${way}"'
`,
  )

  const result = await run('doctor', '--json', '--inventory', 'hosts')

  t.like(found(result, 'inner'), { state: 'ok' }, result.stdout + result.stderr)
})

withHosts('a host behind another one is hardened, when the policy lets that one in', async (t) => {
  const { door, inner } = hosts()
  const lines = [door, inner].flatMap(({ address, hostKeys }) => hostKeys.map((key) => `${address} ${key}\n`))
  const personWith = (admin: string[]) => {
    const { home, run } = person(t, configOf('ProxyJump door'), {
      ...section,
      sshConfig: { ...section.sshConfig, admin },
    })
    writeFileSync(join(home, '.ssh', 'known_hosts'), lines.join(''))
    return run
  }
  const run = personWith([door.address])

  const refused = await personWith(['203.0.113.0/24'])('harden', '--json')
  const hardened = await run('harden', '--json')
  const again = await run('harden', '--json')

  t.is(refused.exitCode, 1)
  t.regex(refused.stdout, new RegExp(`LOCKOUT_PREVENTED.*${door.address.replaceAll('.', '\\.')}`))
  t.is(hardened.exitCode, 0, hardened.stdout.slice(-3000) + hardened.stderr)
  const ended = again.stdout.split('\n').filter((line) => line.includes('"run-ended"'))
  t.deepEqual(JSON.parse(ended[0] ?? '{}').result.hosts[0].changed, [], again.stdout)
})

withHosts(
  'a host that another one is reached through is hardened too, and the other stays in reach',
  async (t) => {
    const { door, inner } = hosts()
    const controller = door.address.replace(/\d+$/, '1')
    const { home, run } = person(t, configOf('ProxyJump door'), {
      inventory: 'ssh-config',
      sshConfig: { groups: { kafka: ['inner'], producers: ['door'] }, admin: [controller, door.address] },
    })
    const lines = [door, inner].flatMap(({ address, hostKeys }) =>
      hostKeys.map((key) => `${address} ${key}\n`),
    )
    writeFileSync(join(home, '.ssh', 'known_hosts'), lines.join(''))

    const hardened = await run('harden', '--json')
    const again = await run('harden', '--json')

    t.is(hardened.exitCode, 0, hardened.stdout.slice(-3000) + hardened.stderr)
    t.is(again.exitCode, 0, again.stdout.slice(-3000) + again.stderr)
    const ended = again.stdout.split('\n').filter((line) => line.includes('"run-ended"'))
    const recap = JSON.parse(ended[0] ?? '{}').result.hosts
    t.deepEqual(
      recap.map(({ host, changed }: { host: string; changed: unknown[] }) => [host, changed]).sort(),
      [
        ['door', []],
        ['inner', []],
      ],
    )
  },
)
