import test from 'ava'
import fc from 'fast-check'
import type { Resource } from '../../engine/resource.ts'
import { group, user } from '../../engine/resources/account.ts'
import { aptPackage } from '../../engine/resources/apt-package.ts'
import { command } from '../../engine/resources/command.ts'
import { directory } from '../../engine/resources/directory.ts'
import { file } from '../../engine/resources/file.ts'
import { symlink } from '../../engine/resources/symlink.ts'
import { sysctl } from '../../engine/resources/sysctl.ts'
import { systemdUnit } from '../../engine/resources/systemd-unit.ts'
import { waitFor } from '../../engine/resources/wait-for.ts'
import { lines, type Script, sh } from '../../engine/shell.ts'
import { converge } from '../support/converge.ts'
import { ask, isRoot, needsRoot, useLab } from '../support/lab-hosts.ts'

const sleeper = `[Service]
EnvironmentFile=/etc/drift/drift.env
ExecStart=/bin/sleep infinity

[Install]
WantedBy=multi-user.target
`

/** A host with chains in it: a package and its unit, an account and what belongs to it, files and what loads them. */
const site: Resource[] = [
  aptPackage({ name: 'cron' }),
  file({ path: '/etc/default/cron', content: 'READ_ENV="yes"\n' }),
  systemdUnit({ unit: 'cron.service', enabled: true, state: 'running', loads: ['/etc/default/cron'] }),
  group({ name: 'drift', gid: 10142 }),
  user({ name: 'drift', uid: 10143, group: 'drift', shell: '/bin/sh' }),
  directory({ path: '/etc/drift' }),
  directory({ path: '/srv/drift', owner: 'drift', group: 'drift', mode: '0750' }),
  file({ path: '/etc/drift/drift.env', content: 'A=1\n', mode: '0640', group: 'drift' }),
  file({ path: '/srv/drift/notes', content: 'one\ntwo\n', owner: 'drift', group: 'drift' }),
  symlink({ path: '/srv/drift/latest', target: 'notes' }),
  command({ name: 'mark', script: sh`touch /srv/drift/marked`, creates: '/srv/drift/marked' }),
  systemdUnit({
    unit: 'drift.service',
    content: sleeper,
    enabled: true,
    state: 'running',
    loads: ['/etc/drift/drift.env'],
  }),
  waitFor({ unit: 'drift.service', until: { condition: 'unit' } }),
  sysctl({ key: 'net.ipv4.tcp_keepalive_time', value: 601 }),
]

/** What people and programs do to a host; what one needs may be gone after another. */
const drifts: Record<string, Script> = {
  'edits a file that a unit loads': sh`echo B=2 >> /etc/drift/drift.env`,
  'edits it and restarts the unit': sh`echo C=3 >> /etc/drift/drift.env; systemctl restart drift`,
  'edits it, restarts the unit and takes the edit back': sh`cp -a /etc/drift/drift.env /root/keep; echo D=4 >> /etc/drift/drift.env; systemctl restart drift || :; cp -a /root/keep /etc/drift/drift.env`,
  'opens a file to all': sh`chmod 0666 /etc/drift/drift.env`,
  'gives a file away': sh`chown nobody: /srv/drift/notes`,
  'removes a file': sh`rm -f /srv/drift/notes`,
  'removes a folder with all in it': sh`rm -rf /srv/drift`,
  'removes the configuration': sh`rm -rf /etc/drift`,
  'points a link elsewhere': sh`mkdir -p /srv/drift; ln -sfn /etc/passwd /srv/drift/latest`,
  'removes a link': sh`rm -f /srv/drift/latest`,
  'forgets what a command did': sh`rm -f /srv/drift/marked`,
  'stops a unit': sh`systemctl stop drift`,
  'kills a unit': sh`systemctl kill --signal KILL drift || :; sleep 0.2`,
  'disables a unit': sh`systemctl disable --quiet drift`,
  'edits a unit and says nothing': sh`echo '# edited' >> /etc/systemd/system/drift.service`,
  'edits a unit and has it read': sh`echo '# edited' >> /etc/systemd/system/drift.service; systemctl daemon-reload`,
  'removes a unit': sh`rm -f /etc/systemd/system/drift.service; systemctl daemon-reload`,
  'removes a package': sh`DEBIAN_FRONTEND=noninteractive apt-get remove --yes --quiet cron >/dev/null 2>&1`,
  'purges a package': sh`DEBIAN_FRONTEND=noninteractive apt-get purge --yes --quiet cron >/dev/null 2>&1`,
  "stops a package's unit": sh`systemctl disable --quiet --now cron`,
  'removes an account': sh`userdel drift`,
  'changes the shell of an account': sh`usermod --shell /bin/bash drift`,
  'sets a kernel setting': sh`sysctl --quiet --write net.ipv4.tcp_keepalive_time=7200`,
  'writes what nobody declared': sh`mkdir -p /srv/drift; echo x > /srv/drift/other; echo x > /etc/motd`,
}

if (isRoot) {
  const lab = useLab(test, 'foretell', 1)

  test('whatever drifted, a plan is exactly what the run then does, and after it nothing is left to do', async (t) => {
    t.timeout(600_000)
    const [host] = lab().inventory.hosts
    if (host === undefined) throw new TypeError('the lab has a host')
    const connection = await lab().connect(host)
    t.teardown(() => connection.close())
    const bare = await converge(connection, site)
    // The same for everybody who does not ask for another: what fails here fails again.
    const seed = Number(process.env.SLUICE_TEST_SEED ?? 580_955)
    const rounds = Number(process.env.SLUICE_TEST_ROUNDS ?? 25)
    t.log(`seed ${seed}: SLUICE_TEST_SEED=${seed} repeats it`)

    let changes = 0
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.constantFrom(...Object.keys(drifts)), { minLength: 1, maxLength: 5 }),
        async (chosen) => {
          await ask(
            connection,
            lines(chosen.map((name) => sh`( ${drifts[name] ?? sh`false`} ) 2>/dev/null || :`)),
          )

          const run = await converge(connection, site)
          const again = await converge(connection, site)

          const planned = run.planned.map(({ resource }) => resource)
          changes += planned.length
          t.deepEqual(
            { error: run.error?.message, changed: run.changed },
            { error: undefined, changed: planned },
            chosen.join(', then '),
          )
          t.deepEqual([again.planned, again.changed], [[], []], chosen.join(', then '))
        },
      ),
      { seed, numRuns: rounds, endOnFailure: true },
    )

    t.deepEqual(
      bare.changed,
      bare.planned.map(({ resource }) => resource),
    )
    t.log(`${rounds} rounds, ${changes} changes foretold and made`)
  })
} else {
  test.skip(needsRoot, (t) => t.pass())
}
