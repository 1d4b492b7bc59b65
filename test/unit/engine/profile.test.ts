import { join } from 'node:path'
import test from 'ava'
import { Profiler } from '../../../engine/profile.ts'
import { profileLines } from '../../../engine/report/profile.ts'
import { everyEvent, plain } from '../../support/events.ts'
import { note, scratch } from '../../support/resources.ts'
import { roleOf, trialRun } from '../../support/trial-run.ts'

test('a run says where its time went: every host, every role that changed something, the longest first', async (t) => {
  const directory = scratch()
  const role = (name: string) =>
    roleOf(name, ({ name: host }) => [note({ path: join(directory, `${name}-${host}`), content: 'x' })])

  const { profile } = await trialRun({
    names: ['one', 'two'],
    plays: [{ name: 'only', hosts: 'all', roles: [role('first'), role('second')] }],
  })

  t.deepEqual(profile?.hosts.map(({ host }) => host).sort(), ['one', 'two'])
  t.true(profile?.hosts.every(({ read, apply, verify }) => read > 0 && apply > 0 && verify > 0))
  t.deepEqual(profile?.roles.map(({ role: name, hosts, resources }) => [name, hosts, resources]).sort(), [
    ['first', 2, 2],
    ['second', 2, 2],
  ])
  const times = profile?.resources.map(({ durationMs }) => durationMs) ?? []
  t.is(times.length, 4)
  t.deepEqual(
    times,
    times.toSorted((one, other) => other - one),
  )
})

test('what is only waited for counts as well, and twice the same is added up', (t) => {
  const profiler = new Profiler()
  for (const event of [...everyEvent(), ...everyEvent()]) profiler.accept(event)

  const { resources, hosts } = profiler.result()

  t.is(resources.length, 1)
  t.is(Math.round(resources[0]?.durationMs ?? 0), 303)
  t.is(Math.round(hosts[0]?.connect ?? 0), 162)
})

test('--profile shows the longest, and how many more there are', (t) => {
  const resources = Array.from({ length: 14 }, (_, index) => ({
    host: 'vm1',
    play: 'kafka',
    role: 'kafka',
    resource: `file /etc/${index}`,
    durationMs: 2000 - index,
  }))
  const lines = profileLines(
    {
      hosts: [{ host: 'vm1', connect: 80, read: 300, apply: 27_000, verify: 40 }],
      roles: [{ role: 'kafka', resources: 14, hosts: 1, durationMs: 27_000 }],
      resources,
    },
    plain,
  )

  t.true(lines.includes('      2.0 s  vm1   kafka  file /etc/0'))
  t.true(lines.includes('  and 2 more'))
  t.true(lines.includes('     27.0 s  kafka  14 resources on 1 host'))
  t.true(lines.includes('   vm1        80 ms      300 ms      27.0 s       40 ms'))
})
