import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { parseSavedPlan } from '../../engine/saved-plan.ts'
import { sh } from '../../engine/shell.ts'
import { projectFolder, sluice } from '../support/cli.ts'
import { documentsIn } from '../support/json-documents.ts'
import { ask, testLabName, useLab } from '../support/lab-hosts.ts'

const lab = useLab(test, 'control', 2)
const environment = { SLUICE_LAB_NAME: testLabName('control'), SLUICE_LAB_COUNT: '2' }

async function onHost(name: string, script: ReturnType<typeof sh>): Promise<string> {
  const { inventory, connect } = lab()
  const host = inventory.hosts.find((each) => each.name === name)
  if (host === undefined) throw new TypeError(`the lab has no ${name}`)
  const connection = await connect(host)
  return ask(connection, script).finally(() => connection.close())
}

function ended(stdout: string) {
  const documents = documentsIn(stdout)
  const end = documents.find((document) => document.type === 'run-ended')
  if (end === undefined) throw new Error(stdout.slice(-2000))
  return { documents, result: end.result }
}

test.serial(
  'a plan is refused once a host has moved, by host, resource and difference, and nothing is changed',
  async (t) => {
    const folder = projectFolder(t)
    const run = (...words: string[]) => sluice(folder, ['harden', ...words], environment)

    const check = await run('--check', '--out', 'plan.json')
    const text = readFileSync(join(folder, 'plan.json'), 'utf8')
    await onHost('vm2', sh`groupadd --gid 12345 pipeline`)
    const refused = await run('--plan', 'plan.json')
    const vm1 = await onHost('vm1', sh`ufw status | head -1; ls /run/sluice-lock 2>/dev/null | wc -l`)

    t.is(check.exitCode, 2, check.stderr)
    t.is(statSync(join(folder, 'plan.json')).mode & 0o777, 0o600)
    t.deepEqual(Object.keys(parseSavedPlan(text, 'plan.json').hosts), ['vm1', 'vm2'])
    t.is(refused.exitCode, 1, refused.stdout)
    t.regex(refused.stderr, /PLAN_OUTDATED {2}vm2 is not as it was when the plan was made/)
    t.regex(refused.stderr, /group pipeline: planned name absent → pipeline.*, now gid 12345 → 10001/)
    t.regex(refused.stdout, /not tried: the plan is for all of its hosts, and does not hold on vm2/)
    t.is(vm1, 'Status: inactive\n0')
  },
)

test.serial(
  'a plan of what is now is carried out, in batches, and the run says where its time went',
  async (t) => {
    const folder = projectFolder(t)
    const run = (...words: string[]) => sluice(folder, ['harden', ...words], environment)
    await run('--check', '--out', 'plan.json')
    const plan = parseSavedPlan(readFileSync(join(folder, 'plan.json'), 'utf8'), 'plan.json')

    const applied = await run('--plan', 'plan.json', '--serial', '1', '--json')
    const again = await run('--profile')

    const { documents, result } = ended(applied.stdout)
    t.is(applied.exitCode, 0, applied.stderr)
    for (const { host, changed } of result.hosts) {
      t.deepEqual(
        changed.map(({ resource }) => resource),
        plan.hosts[host]?.map(({ resource }) => resource),
      )
    }
    const changes = documents.flatMap((document) =>
      document.type === 'resource-changed' ? [document.planned.host] : [],
    )
    t.deepEqual(changes, changes.toSorted())
    t.deepEqual(result.profile?.hosts.map(({ host }) => host).sort(), ['vm1', 'vm2'])
    t.true((result.profile?.resources.length ?? 0) > 0)
    t.is(again.exitCode, 0, again.stderr)
    t.regex(again.stdout, /hosts: to connect, to read, to change, to prove\n +vm\d/)
    t.regex(again.stdout, /Nothing changed on any host/)
  },
)

test.serial('a run that starts at a role leaves what comes before it as it is', async (t) => {
  await onHost('vm1', sh`ufw allow 1234/tcp`)
  await onHost('vm1', sh`chmod 0644 /etc/ssh/sshd_config.d/*`)

  const { stdout } = await sluice(projectFolder(t), ['harden', '--start-at', 'sshd', '--json'], environment)

  const roles = ended(stdout).result.hosts.flatMap(({ changed }) => changed.map(({ role }) => role))
  t.false(roles.includes('firewall'))
})

test.serial(
  'the lab goes as a whole: --check shows its hosts and leaves them, and there is no plan of that to keep',
  async (t) => {
    const run = (...words: string[]) => sluice(projectFolder(t), words, environment)
    const before = await onHost('vm1', sh`systemctl show --property=UserspaceTimestampMonotonic`)

    const checked = await run('destroy', '--check')
    const kept = await run('destroy', '--check', '--out', 'plan.json')
    const up = await run('up', '--json')

    t.is(checked.exitCode, 2, checked.stderr)
    t.regex(checked.stderr, /to be removed: vm1 \(running\)\nto be removed: vm2 \(running\)/)
    t.regex(checked.stdout, /- lab vm1, vm2 {2}state present → absent/)
    t.is(kept.exitCode, 64)
    t.regex(kept.stderr, /USAGE {2}the hosts of lab .* go as a whole[\s\S]*do {3}add --installed/)
    t.is(up.exitCode, 0, up.stderr)
    t.deepEqual(
      ended(up.stdout).result.hosts.map(({ status }) => status),
      ['ok'],
    )
    t.is(await onHost('vm1', sh`systemctl show --property=UserspaceTimestampMonotonic`), before)
  },
)

test.serial(
  'a removal is planned, refused once a host has moved, and carried out as planned, host after host',
  async (t) => {
    t.timeout(600_000)
    const folder = projectFolder(t)
    const run = (...words: string[]) => sluice(folder, ['destroy', ...words], environment)
    const ours = () => onHost('vm1', sh`ls /var/lib/sluice/former/etc | wc -l`)
    await sluice(folder, ['harden'], environment)
    const before = await ours()

    const check = await run('--installed', '--check', '--out', 'plan.json')
    const checked = await ours()
    const ofProvision = await sluice(folder, ['provision', '--plan', 'plan.json'], environment)
    await onHost('vm2', sh`mv /var/lib/sluice/former /var/lib/sluice/elsewhere`)
    const refused = await run('--plan', 'plan.json', '--yes')
    await onHost('vm2', sh`mv /var/lib/sluice/elsewhere /var/lib/sluice/former`)
    const unmoved = await ours()
    const carried = await run('--plan', 'plan.json', '--yes', '--serial', '1', '--json')
    const again = await run('--installed', '--check')

    const plan = parseSavedPlan(readFileSync(join(folder, 'plan.json'), 'utf8'), 'plan.json')
    t.is(check.exitCode, 2, check.stderr)
    t.regex(
      check.stdout,
      /~ sshd \/etc\/ssh\/sshd_config\.d\/10-sluice\.conf {2}state set by Sluice → as before/,
    )
    t.regex(check.stdout, /\d+ resources on 2 hosts would be removed; nothing was changed/)
    t.deepEqual([checked, unmoved], [before, before])
    t.deepEqual([plan.playbook, plan.removal], ['destroy', { data: false }])
    t.is(ofProvision.exitCode, 64)
    t.regex(ofProvision.stderr, /USAGE {2}it is a plan of destroy, not of provision/)
    t.is(refused.exitCode, 1, refused.stdout)
    t.regex(refused.stderr, /PLAN_OUTDATED {2}vm2 is not as it was when the plan was made/)
    const { documents, result } = ended(carried.stdout)
    t.is(carried.exitCode, 0, carried.stderr)
    for (const { host, changed } of result.hosts) {
      t.deepEqual(
        changed.map(({ resource }) => resource),
        plan.hosts[host]?.map(({ resource }) => resource),
      )
    }
    const removals = documents.flatMap((document) =>
      document.type === 'resource-changed' ? [document.planned.host] : [],
    )
    t.deepEqual(removals, removals.toSorted())
    t.is(again.exitCode, 0, again.stdout)
    t.regex(again.stdout, /Nothing to remove on any host/)
  },
)
