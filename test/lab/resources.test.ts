import test from 'ava'
import type { Resource } from '../../engine/resource.ts'
import { group, user } from '../../engine/resources/account.ts'
import { aptPackage } from '../../engine/resources/apt-package.ts'
import { archive } from '../../engine/resources/archive.ts'
import { command } from '../../engine/resources/command.ts'
import { directory } from '../../engine/resources/directory.ts'
import { file } from '../../engine/resources/file.ts'
import { artifactFile, release } from '../../engine/resources/release.ts'
import { symlink } from '../../engine/resources/symlink.ts'
import { sysctl } from '../../engine/resources/sysctl.ts'
import { systemdUnit } from '../../engine/resources/systemd-unit.ts'
import { waitFor } from '../../engine/resources/wait-for.ts'
import { Secret } from '../../engine/secret.ts'
import { sh } from '../../engine/shell.ts'
import { bundle } from '../support/bundle.ts'
import { converge } from '../support/converge.ts'
import {
  ask,
  connectFirst,
  differences,
  fingerprint,
  isRoot,
  needsRoot,
  useLab,
} from '../support/lab-hosts.ts'

const hostile = `-rf "it's" $(touch pwned) \`id\` \\n ä\nsecond line`
const sleeper = '[Service]\nExecStart=/bin/sleep infinity\n\n[Install]\nWantedBy=multi-user.target\n'

const commandTraces = ['/opt/by path', '/opt/asked']

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
    artifactFile({ path: '/opt/bundle.tar.gz', artifact: bundle() }),
    archive({ archive: '/opt/bundle.tar.gz', directory: `/opt/${hostile} unpacked`, owner: 'nobody' }),
  ],
  release: [
    directory({ path: '/opt/programs' }),
    release({ name: 'bundle', artifact: bundle(), root: '/opt/programs' }),
  ],
  command: [
    command({ name: 'by path', script: sh`touch ${'/opt/by path'}`, creates: '/opt/by path' }),
    command({ name: 'by question', script: sh`echo x > /opt/asked`, unless: sh`grep -q x /opt/asked` }),
  ],
}

if (isRoot) {
  const lab = useLab(test, 'kinds', 1)
  const firstHost = () => connectFirst(lab())

  /** What the host was before each kind, in the order of the kinds. */
  const untouched = new Map<string, string>()

  for (const [kind, resources] of Object.entries(kinds)) {
    test.serial(
      `${kind}: a plan changes nothing, a run does just what was planned, and a second one nothing`,
      async (t) => {
        t.timeout(600_000)
        const connection = await firstHost()
        const before = await fingerprint(connection)
        untouched.set(kind, before)

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
      t.timeout(600_000)
      const connection = await firstHost()

      const removed = await converge(connection, resources, { mode: 'remove' })
      const again = await converge(connection, resources, { mode: 'remove' })

      t.is(removed.error, undefined)
      t.deepEqual(again.changed, [])
      t.deepEqual(differences(untouched.get(kind) ?? '', await fingerprint(connection)), [])
      connection.close()
    })
  }

  test.serial('after all removals the host is equal to its untouched self', async (t) => {
    t.timeout(600_000)
    const connection = await firstHost()
    // What a command made is not known to it.
    await ask(connection, sh`rm ${commandTraces}`)
    const resources = Object.values(kinds)
      .flat()
      .filter(({ kind }) => kind !== 'command')

    const made = await converge(connection, resources)
    const removed = await converge(connection, resources, { mode: 'remove' })

    t.is(made.error, undefined)
    t.is(removed.error, undefined)
    t.deepEqual(differences(untouched.values().next().value ?? '', await fingerprint(connection)), [])
    connection.close()
  })
} else {
  test.serial.skip(needsRoot, (t) => t.pass())
}
