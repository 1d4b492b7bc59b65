import test from 'ava'
import { describeError, SluiceError } from '../../engine/errors.ts'
import type { Resource } from '../../engine/resource.ts'
import { command } from '../../engine/resources/command.ts'
import { directory } from '../../engine/resources/directory.ts'
import { file } from '../../engine/resources/file.ts'
import { sshdConfig } from '../../engine/resources/sshd-config.ts'
import { symlink } from '../../engine/resources/symlink.ts'
import { systemdUnit } from '../../engine/resources/systemd-unit.ts'
import { type Script, sh } from '../../engine/shell.ts'
import type { Connection } from '../../engine/transport/connection.ts'
import { projectFolder, sluice } from '../support/cli.ts'
import { converge } from '../support/converge.ts'
import { ask, fingerprint, isRoot, needsRoot, useLab } from '../support/lab-hosts.ts'

const odd = `/opt/it's $(odd)\nhere`
const sleeper = '[Service]\nExecStart=/bin/sleep infinity\n\n[Install]\nWantedBy=multi-user.target\n'

/** What a host has that is not ours to take away, and what is declared in its place. */
const obstacles: Record<string, { made: Script; declared: Resource; said: RegExp }> = {
  'a folder where a file should be': {
    made: sh`mkdir -p ${odd}/kept; touch ${odd}/notes`,
    declared: file({ path: odd, content: 'x\n' }),
    said: /^DATA_AT_RISK {2}\/opt\/it's \$\(odd\)\nhere should be a file, and is a directory\n {2}at {3}vm1 > role > file [^>]*\n {2}why {2}[\s\S]*of root:root, mode 0?755[\s\S]*in it: 2 entries: kept notes\n {2}do {3}see whether anybody needs it/,
  },
  'a pipe where a file should be': {
    made: sh`mkfifo /opt/pipe`,
    declared: file({ path: '/opt/pipe', content: 'x\n' }),
    said: /^DATA_AT_RISK {2}\/opt\/pipe should be a file, and is a fifo\n/,
  },
  'a file above where a file should be': {
    made: sh`echo precious > /opt/plain`,
    declared: file({ path: '/opt/plain/below/file', content: 'x\n' }),
    said: /^DATA_AT_RISK {2}\/opt\/plain\/below\/file should be a file, and \/opt\/plain above it is no directory but a regular file\n/,
  },
  'a file where a folder should be': {
    made: sh`echo precious > /opt/precious`,
    declared: directory({ path: '/opt/precious' }),
    said: /^DATA_AT_RISK {2}\/opt\/precious should be a directory, and is a regular file\n/,
  },
  'a link to nothing where a folder should be': {
    made: sh`ln -s nowhere /opt/dangling`,
    declared: directory({ path: '/opt/dangling' }),
    said: /^DATA_AT_RISK {2}\/opt\/dangling should be a directory, and is a symbolic link\n/,
  },
  'a folder where a link should be': {
    made: sh`mkdir /opt/folder`,
    declared: symlink({ path: '/opt/folder', target: 'plain' }),
    said: /^DATA_AT_RISK {2}\/opt\/folder should be a link, and is a directory\n/,
  },
  'a unit of a package that is masked': {
    made: sh`ln -sf /dev/null /etc/systemd/system/cron.service; systemctl daemon-reload`,
    declared: systemdUnit({ unit: 'cron.service', enabled: true, state: 'running' }),
    said: /^OVERRULED {2}cron\.service should be enabled and running, and is masked\n {2}at {3}vm1 > role > unit cron\.service\n {2}why {2}\/etc\/systemd\/system\/cron\.service points to \/dev\/null.*\n {2}do {3}.*systemctl unmask cron\.service/,
  },
  'a unit of ours that is masked until a restart': {
    made: sh`systemctl mask --quiet --runtime sleeper.service`,
    declared: systemdUnit({ unit: 'sleeper.service', state: 'running' }),
    said: /^OVERRULED {2}sleeper\.service should be running[\s\S]*systemctl unmask --runtime sleeper\.service/,
  },
  'a unit file of ours that is masked': {
    made: sh`systemctl mask --quiet masked.service`,
    declared: systemdUnit({ unit: 'masked.service', content: sleeper, enabled: true }),
    said: /^OVERRULED {2}masked\.service should be enabled/,
  },
  'a file of sshd that sorts before ours': {
    made: sh`echo 'MaxAuthTries 9' > /etc/ssh/sshd_config.d/01-cloud.conf`,
    declared: sshdConfig({ content: 'MaxAuthTries 4\nLoginGraceTime 31\n' }),
    said: /^OVERRULED {2}sshd would not heed \/etc\/ssh\/sshd_config\.d\/10-sluice\.conf in maxauthtries: \/etc\/ssh\/sshd_config\.d\/01-cloud\.conf is read before it\n[\s\S]*why {2}maxauthtries would be 9, should be 4 \(.*01-cloud\.conf:MaxAuthTries 9\)/,
  },
  'a file of sshd that shuts the login user out': {
    made: sh`rm /etc/ssh/sshd_config.d/01-cloud.conf; echo 'DenyUsers slu*' > /etc/ssh/sshd_config.d/50-deny.conf`,
    declared: sshdConfig({
      content: 'LoginGraceTime 31\n',
      login: { user: 'sluice', from: '10.99.0.1' },
    }),
    said: /^LOCKOUT_PREVENTED {2}sshd would not let sluice in from 10\.99\.0\.1: DenyUsers is slu\*/,
  },
}

if (isRoot) {
  const lab = useLab(test, 'refuse', 1)
  const firstHost = () => {
    const host = lab().inventory.hosts[0]
    if (host === undefined) throw new TypeError('the lab has a host')
    return host
  }
  const refusal = async (connection: Connection, resource: Resource) => {
    const other = file({ path: '/opt/other', content: 'other\n' })
    const thrown = await converge(connection, [other, resource]).catch((error: unknown) => error)
    return thrown instanceof SluiceError ? describeError(thrown) : thrown
  }

  for (const [title, { made, declared, said }] of Object.entries(obstacles)) {
    test.serial(`${title} is refused by the plan, and nothing is changed`, async (t) => {
      t.timeout(600_000)
      const connection = await lab().connect(firstHost())
      await ask(connection, made)
      const before = await fingerprint(connection)

      const refused = await refusal(connection, declared)

      t.regex(String(refused), said)
      t.is(await fingerprint(connection), before)
      const removed = await converge(connection, [declared], { mode: 'remove' })
      t.deepEqual(removed.changed, [])
      connection.close()
    })
  }

  test.serial('what an earlier change takes away is not in the way', async (t) => {
    const connection = await lab().connect(firstHost())
    const path = '/opt/taken-away'
    await ask(connection, sh`mkdir ${path}`)
    const clear = command({
      name: 'clear',
      script: sh`rmdir ${path}`,
      unless: sh`[ ! -d ${path} ]`,
      touches: [`path:${path}`],
    })

    const run = await converge(connection, [clear, file({ path, content: 'x\n' })])

    t.is(run.error, undefined)
    t.deepEqual(run.changed, ['command clear', `file ${path}`])
    t.deepEqual(
      run.planned.map(({ resource }) => resource),
      run.changed,
    )
    connection.close()
  })

  test.serial('a link that a file takes the place of is given back', async (t) => {
    const connection = await lab().connect(firstHost())
    const resource = file({ path: '/opt/was-a-link', content: 'x\n' })
    await ask(connection, sh`ln -s nowhere /opt/was-a-link`)

    const first = await converge(connection, [resource])
    const made = await ask(connection, sh`cat /opt/was-a-link`)
    const removed = await converge(connection, [resource], { mode: 'remove' })

    t.deepEqual([first.error, removed.error, made], [undefined, undefined, 'x'])
    t.is(await ask(connection, sh`readlink /opt/was-a-link`), 'nowhere')
    connection.close()
  })

  test.serial('check and run refuse in the same words, with the same exit code', async (t) => {
    t.timeout(600_000)
    const connection = await lab().connect(firstHost())
    await ask(
      connection,
      sh`rm -f /etc/ssh/sshd_config.d/*.conf; echo 'LogLevel QUIET' > /etc/ssh/sshd_config.d/00-quiet.conf`,
    )
    const before = await fingerprint(connection)
    const { name, address, user, identityFile, hostKeys, privateAddresses } = firstHost()
    const groups = { kafka: {}, processor: {}, producers: {}, mongodb: {} }
    const hosts = {
      [name]: { address, user, identityFile, hostKeys, privateAddresses, groups: ['kafka'] },
    }
    const { policy } = lab().inventory
    const project = projectFolder(t, { 'hosts.json': JSON.stringify({ policy, groups, hosts }) })
    const harden = (...words: string[]) =>
      sluice(project, ['harden', '--inventory', 'hosts.json', '--tags', 'sshd', ...words])
    const wordsOf = (stderr: string) => stderr.slice(stderr.lastIndexOf('OVERRULED'))

    const checked = await harden('--check')
    const ran = await harden()

    t.deepEqual([checked.exitCode, ran.exitCode], [1, 1])
    t.regex(checked.stderr, /OVERRULED {2}sshd would not heed .* in loglevel/)
    t.is(wordsOf(checked.stderr), wordsOf(ran.stderr))
    t.is(await fingerprint(connection), before)
    const { stdout: runs } = await sluice(project, ['log'])
    const { stdout: record } = await sluice(project, ['log', runs.split(' ')[0] ?? ''])
    t.true(record.includes(wordsOf(checked.stderr).trim().split('\n').slice(1).join('\n')), record)
    connection.close()
  })
} else {
  test.skip(needsRoot, (t) => t.pass())
}
