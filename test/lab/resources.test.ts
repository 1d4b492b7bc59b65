import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import type { Artifact } from '../../engine/artifacts/artifact.ts'
import { localBuild } from '../../engine/artifacts/local-build.ts'
import type { Resource } from '../../engine/resource.ts'
import { group, user } from '../../engine/resources/account.ts'
import { aptPackage } from '../../engine/resources/apt-package.ts'
import { archive } from '../../engine/resources/archive.ts'
import { command } from '../../engine/resources/command.ts'
import { directory } from '../../engine/resources/directory.ts'
import { file } from '../../engine/resources/file.ts'
import { artifactFile } from '../../engine/resources/release.ts'
import { symlink } from '../../engine/resources/symlink.ts'
import { sysctl } from '../../engine/resources/sysctl.ts'
import { systemdUnit } from '../../engine/resources/systemd-unit.ts'
import { unitInstances } from '../../engine/resources/unit-instances.ts'
import { waitFor } from '../../engine/resources/wait-for.ts'
import { Secret } from '../../engine/secret.ts'
import { sh } from '../../engine/shell.ts'
import { converge } from '../support/converge.ts'
import { ask, fingerprint, isRoot, needsRoot, useLab } from '../support/lab-hosts.ts'

const hostile = `-rf "it's" $(touch pwned) \`id\` \\n ä\nsecond line`
const sleeper = '[Service]\nExecStart=/bin/sleep infinity\n\n[Install]\nWantedBy=multi-user.target\n'

/** An archive that is made on the controller, as the programs of the runtime are. */
const bundle: Artifact = {
  name: 'bundle',
  version: '1',
  sources: [
    localBuild({
      digest: 'ab'.repeat(32),
      version: '1',
      build: (folder) => writeFile(join(folder, 'program.cjs'), 'console.log(1)\n'),
    }),
  ],
}

/** A kind, as a role would use it: some resources that together show what it does, hostile values included. */
const kinds: Record<string, Resource[]> = {
  file: [
    file({ path: `/opt/${hostile}`, content: `${hostile}\n\n` }),
    file({ path: '/opt/empty', content: '', mode: '0600' }),
    file({
      path: '/opt/secret',
      content: new Secret(hostile),
      mode: '0400',
      owner: 'nobody',
      group: 'nogroup',
    }),
    file({ path: '/etc/issue', content: 'replaced\n' }),
  ],
  directory: [
    directory({ path: `/opt/${hostile} directory`, mode: '0750', owner: 'nobody', group: 'nogroup' }),
    directory({ path: '/opt' }),
  ],
  symlink: [symlink({ path: `/opt/${hostile} link`, target: hostile })],
  account: [
    group({ name: 'made-group', gid: 10042 }),
    user({ name: 'made-user', uid: 10043, group: 'made-group', shell: '/bin/sh' }),
    user({ name: 'nobody', group: 'nogroup' }),
  ],
  package: [aptPackage({ name: ['tree', 'less'] })],
  sysctl: [sysctl({ key: 'net.core.somaxconn', value: 1234 }), sysctl({ key: 'vm.swappiness', value: 1 })],
  unit: [
    file({ path: '/etc/sleeper.conf', content: 'a\n' }),
    systemdUnit({
      unit: 'sleeper.service',
      content: sleeper,
      enabled: true,
      state: 'running',
      loads: ['/etc/sleeper.conf'],
    }),
    waitFor({ unit: 'sleeper.service', until: { condition: 'unit' } }),
  ],
  archive: [
    artifactFile({ path: '/opt/bundle.tar.gz', artifact: bundle }),
    archive({ archive: '/opt/bundle.tar.gz', directory: `/opt/${hostile} unpacked`, owner: 'nobody' }),
  ],
  command: [
    command({ name: 'by path', script: sh`touch ${'/opt/by path'}`, creates: '/opt/by path' }),
    command({ name: 'by question', script: sh`echo x > /opt/asked`, unless: sh`grep -q x /opt/asked` }),
  ],
}

if (isRoot) {
  const lab = useLab(test, 'kinds', 1)
  const firstHost = () => {
    const host = lab().inventory.hosts[0]
    if (host === undefined) throw new TypeError('the lab has a host')
    return lab().connect(host)
  }

  for (const [kind, resources] of Object.entries(kinds)) {
    test.serial(
      `${kind}: a plan changes nothing, a run does just what was planned, and a second one nothing`,
      async (t) => {
        t.timeout(180_000)
        const connection = await firstHost()
        const before = await fingerprint(connection)

        const checked = await converge(connection, resources, { signal: AbortSignal.abort() })
        const after = await fingerprint(connection)
        const first = await converge(connection, resources)
        const second = await converge(connection, resources)

        t.is(after, before)
        t.is(first.error, undefined)
        t.deepEqual(
          first.changed,
          checked.planned.map(({ resource }) => resource),
        )
        t.deepEqual(second.changed, [])
        t.is(await ask(connection, sh`ls -d /pwned 2>/dev/null || echo none`), 'none')
        connection.close()
      },
    )

    if (kind === 'command') continue
    test.serial(`${kind}: a removal leaves the host as it was`, async (t) => {
      t.timeout(180_000)
      const connection = await firstHost()

      const removed = await converge(connection, resources, { mode: 'remove' })
      const again = await converge(connection, resources, { mode: 'remove' })

      t.is(removed.error, undefined)
      t.deepEqual(again.changed, [])
      t.is(await ask(connection, sh`getent passwd nobody | cut -d : -f 3`), '65534')
      connection.close()
    })
  }

  test.serial('packages wait for others who fetch lists or configure packages', async (t) => {
    t.timeout(120_000)
    const connection = await firstHost()
    // As apt and dpkg take them.
    const hold = `
      use Fcntl;
      for my $name ("/var/lib/apt/lists/lock", "/var/lib/dpkg/lock-frontend") {
        open(my $file, ">", $name) or die;
        my $lock = pack("s s x4 q q i x4", F_WRLCK, 0, 0, 0, 0);
        fcntl($file, F_SETLK, $lock) or die;
        push(@files, $file);
      }
      open(my $held, ">", "/run/busy-apt");
      sleep(8);`
    await ask(
      connection,
      sh`printf %s ${hold} > /tmp/hold.pl; systemd-run --quiet --unit=busy-apt perl /tmp/hold.pl; rm -rf /var/lib/sluice/apt-lists /var/lib/apt/lists/*Packages*`,
    )
    await ask(
      connection,
      sh`until [ -e /run/busy-apt ]; do systemctl is-active --quiet busy-apt; sleep 0.1; done`,
    )

    const installed = await converge(connection, [aptPackage({ name: 'hello' })])
    await converge(connection, [aptPackage({ name: 'hello' })], { mode: 'remove' })

    t.is(installed.error, undefined)
    t.deepEqual(installed.changed, ['package hello'])
    connection.close()
  })

  test.serial('a removal of packages leaves those that nobody needs and others brought', async (t) => {
    t.timeout(120_000)
    const connection = await firstHost()
    await ask(connection, sh`apt-get --quiet --quiet --yes install patch; apt-mark auto patch`)
    await converge(connection, [aptPackage({ name: 'aspell' })])
    const brought = await ask(
      connection,
      sh`dpkg-query --show --showformat='\${db:Status-Status}' libaspell15`,
    )

    const removed = await converge(connection, [aptPackage({ name: 'aspell' })], { mode: 'remove' })

    t.is(brought, 'installed')
    t.is(removed.error, undefined)
    t.is(
      await ask(
        connection,
        sh`dpkg-query --show --showformat='\${Package} \${db:Status-Status}\\n' patch aspell libaspell15 2>/dev/null || :; ls /var/lib/sluice/made 2>/dev/null || :`,
      ),
      'patch installed',
    )
    await ask(connection, sh`apt-get --quiet --quiet --yes purge patch`)
    connection.close()
  })

  test.serial('instances that are declared no more are stopped and start no more', async (t) => {
    const connection = await firstHost()
    const resources = (keep: string[]) => [
      systemdUnit({ unit: 'sleeper@.service', content: sleeper }),
      unitInstances({ template: 'sleeper@.service', keep }),
      ...keep.map((instance) =>
        systemdUnit({ unit: `sleeper@${instance}.service`, enabled: true, state: 'running' }),
      ),
    ]
    await converge(connection, resources(['1', '2', '3']))

    const fewer = await converge(connection, resources(['1']))
    const again = await converge(connection, resources(['1']))
    const running = await ask(
      connection,
      sh`systemctl list-units --plain --no-legend 'sleeper@*' | cut -d ' ' -f 1; ls /etc/systemd/system/multi-user.target.wants | grep sleeper`,
    )
    await ask(connection, sh`systemctl enable --quiet --now sleeper@7`)
    const removed = await converge(connection, resources(['1']), { mode: 'remove' })
    await converge(connection, resources(['1']))
    const declared = await converge(connection, resources(['1']), { mode: 'remove' })

    t.deepEqual(declared.changed, ['unit sleeper@1.service', 'unit sleeper@.service'])
    t.deepEqual(fewer.changed, ['instances sleeper@.service'])
    t.deepEqual(again.changed, [])
    t.is(running, 'sleeper@1.service\nsleeper@1.service')
    t.is(removed.error, undefined)
    t.is(await ask(connection, sh`systemctl list-units --plain --no-legend 'sleeper@*'`), '')
    connection.close()
  })

  test.serial('a file that cannot be given to its owner leaves nothing of its content behind', async (t) => {
    const connection = await firstHost()

    const { error, begun } = await converge(connection, [
      file({ path: '/opt/token', content: new Secret('hidden-value'), mode: '0600', owner: 'nosuchuser' }),
    ])

    t.is(error?.code, 'STEP_FAILED')
    t.deepEqual(begun, ['file /opt/token'])
    t.is(await ask(connection, sh`ls /opt | grep token || :`), '')
    connection.close()
  })

  test.serial('a question that cannot be asked is no answer', async (t) => {
    const connection = await firstHost()

    const thrown = await t.throwsAsync(
      converge(connection, [
        command({ name: 'careless', script: sh`touch /opt/run`, unless: sh`nosuchprogram --version` }),
      ]),
    )

    t.regex(thrown.message, /PROBE_REFUSED/)
    t.is(await ask(connection, sh`ls /opt/run 2>/dev/null || echo none`), 'none')
    connection.close()
  })

  test.serial('after all removals the host is equal to its untouched self', async (t) => {
    const connection = await firstHost()
    const left = await ask(
      connection,
      sh`find /opt /etc/sysctl.d /etc/systemd/system -newer /etc/hostname -type f; getent passwd made-user || :; cat /etc/issue`,
    )

    t.notRegex(left, /made-user|replaced|sluice|sleeper|secret/)
    connection.close()
  })

  test.serial(
    'a unit is restarted when what it loaded changed, whoever changed it, and only then',
    async (t) => {
      const connection = await firstHost()
      const unit = (content: string) => [
        file({ path: '/etc/sleeper.conf', content }),
        systemdUnit({
          unit: 'sleeper.service',
          content: sleeper,
          state: 'running',
          loads: ['/etc/sleeper.conf'],
        }),
      ]
      const process = () => ask(connection, sh`systemctl show --property MainPID --value sleeper.service`)
      await converge(connection, unit('one\n'))
      const [first, again] = [await process(), await converge(connection, unit('one\n')).then(process)]
      // As if a run had died after it wrote the file and before it restarted the unit.
      await ask(connection, sh`echo two > /etc/sleeper.conf`)
      const owed = await converge(connection, unit('two\n'))
      const second = await process()
      await ask(connection, sh`echo three > /etc/sleeper.conf; echo two > /etc/sleeper.conf`)
      const undone = await converge(connection, unit('two\n'))
      await ask(connection, sh`echo drift > /etc/sleeper.conf`)
      const repaired = await converge(connection, unit('two\n'))
      const kept = await process()
      const renewed = await converge(connection, unit('four\n'))

      t.is(again, first)
      t.deepEqual(owed.changed, ['unit sleeper.service'])
      t.deepEqual(owed.planned[0]?.changes, [
        {
          property: 'restart',
          have: 'due, because /etc/sleeper.conf is not what it started with',
          want: 'done',
        },
      ])
      t.not(second, first)
      t.deepEqual(undone.changed, [])
      t.deepEqual(repaired.changed, ['file /etc/sleeper.conf'])
      t.is(kept, second)
      t.deepEqual(renewed.changed, ['file /etc/sleeper.conf', 'unit sleeper.service'])
      for (const { planned, changed } of [repaired, renewed]) {
        t.deepEqual(
          planned.map(({ resource }) => resource),
          changed,
        )
      }
      await converge(connection, unit('two\n'), { mode: 'remove' })
      connection.close()
    },
  )

  test.serial('what a run left behind that was cut off while it sent goes with the next file', async (t) => {
    const connection = await firstHost()
    await ask(connection, sh`echo half > /var/tmp/sluice-0123456789abcdef; echo x > /var/tmp/sluice-notes`)

    const { error } = await converge(connection, [
      artifactFile({ path: '/opt/sent.tar.gz', artifact: bundle }),
    ])

    t.is(error, undefined)
    t.is(await ask(connection, sh`cd /var/tmp; ls -d sluice-*`), 'sluice-notes')
    await ask(connection, sh`rm /var/tmp/sluice-notes /opt/sent.tar.gz*`)
    connection.close()
  })

  test.serial('a file that its own program rejects never reaches its place', async (t) => {
    const connection = await firstHost()
    const path = '/opt/judged'
    await converge(connection, [file({ path, content: 'good\n' })])

    const { error } = await converge(connection, [
      file({
        path,
        content: 'bad\n',
        accept: (staged) => sh`grep -q good ${staged} || { echo no good >&2; exit 9; }`,
      }),
    ])

    t.is(error?.code, 'STEP_FAILED')
    t.regex(error?.why ?? '', /no good/)
    t.is(await ask(connection, sh`cat /opt/judged; ls /opt`), 'good\nasked\nby path\njudged')
    connection.close()
  })

  test.serial('a unit that cannot start is an error that has its own last words', async (t) => {
    const connection = await firstHost()
    const failing = '[Service]\nType=exec\nExecStart=/bin/sh -c "echo these are my last words; exit 3"\n'

    const { error } = await converge(connection, [
      systemdUnit({ unit: 'failing.service', content: failing, state: 'running' }),
      waitFor({ unit: 'failing.service', until: { condition: 'port', port: 4242 }, timeoutSeconds: 1 }),
    ])

    t.true(error?.code === 'STEP_FAILED' || error?.code === 'NOT_CONVERGED')
    t.regex(`${error?.why}${error?.subject}`, /last words|state should be running/)
    connection.close()
  })

  test.serial('an answer of a service that has failed is not waited for', async (t) => {
    const connection = await firstHost()
    const failing = '[Service]\nExecStart=/bin/sh -c "sleep 1; exit 3"\n'
    const until = { condition: 'http', address: '127.0.0.1', port: 4242, path: '/' } as const
    const began = performance.now()

    const { error } = await converge(connection, [
      systemdUnit({ unit: 'mute.service', content: failing, state: 'running' }),
      waitFor({ unit: 'mute.service', until, timeoutSeconds: 100 }),
    ])

    t.regex(error?.subject ?? '', /^having failed, mute\.service answers \/ with nothing, should be 200/)
    t.true(performance.now() - began < 60_000)
    connection.close()
  })

  test.serial('an answer that stays another one is an error with what the service says', async (t) => {
    const connection = await firstHost()
    const until = { condition: 'http', address: '127.0.0.1', port: 4243, path: '/ready' } as const
    const program = `use IO::Socket::INET;
my $server = IO::Socket::INET->new(LocalAddr => '127.0.0.1:4243', Listen => 8, ReuseAddr => 1) or die;
while (my $call = $server->accept) {
  while (<$call>) { last if /^\\s*$/ }
  print $call "HTTP/1.1 503 Unavailable\\r\\nConnection: close\\r\\n\\r\\nthe broker is away\\n";
  close $call;
}
`
    const content = '[Service]\nExecStart=/usr/bin/perl /opt/unready.pl\n'

    const { error } = await converge(connection, [
      file({ path: '/opt/unready.pl', content: program }),
      systemdUnit({ unit: 'unready.service', content, state: 'running' }),
      waitFor({ unit: 'unready.service', until, timeoutSeconds: 3 }),
    ])

    t.regex(error?.subject ?? '', /^after 3 s unready\.service answers \/ready with 503, should be 200/)
    t.is(error?.why, 'the broker is away')
    await converge(connection, [systemdUnit({ unit: 'unready.service', content, state: 'stopped' })])
    connection.close()
  })
} else {
  test.serial.skip(needsRoot, (t) => t.pass())
}
