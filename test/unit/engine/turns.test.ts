import { existsSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { SluiceError } from '../../../engine/errors.ts'
import type { RunEvent } from '../../../engine/events.ts'
import type { Host } from '../../../engine/inventory.ts'
import { definePlaybook } from '../../../engine/playbook.ts'
import { hostsOf, parseShare } from '../../../engine/share.ts'
import { note, scratch } from '../../support/resources.ts'
import { roleOf, trialRun } from '../../support/trial-run.ts'

const names = ['one', 'two', 'three', 'four']

/** A note for each host in a directory of the test's own; on `failing` it cannot be written. */
function notes(failing: readonly string[] = []) {
  const directory = scratch()
  const path = (name: string) => join(directory, name)
  const role = roleOf('notes', ({ name }: Host) => [
    note({ path: path(name), content: name, ...(failing.includes(name) && { fails: 1 }) }),
  ])
  return { role, written: () => names.filter((name) => existsSync(path(name))) }
}

/** Which hosts changed something before which other host began to. */
function order(events: readonly RunEvent[]): string[] {
  return events.flatMap((event) => {
    if (event.type === 'resource-started') return [`${event.place.host} begins`]
    return event.type === 'resource-changed' ? [`${event.planned.host} is done`] : []
  })
}

test('a share is a number of hosts or a part of them', (t) => {
  t.deepEqual(parseShare('2'), { hosts: 2 })
  t.deepEqual(parseShare('25%'), { percent: 25 })
  for (const text of ['', '-1', '2.5', '101%', '%', 'all']) t.is(parseShare(text), undefined)
  t.is(hostsOf({ percent: 25 }, 10), 2)
})

test('hosts of a later batch begin a play when those before have ended it well', async (t) => {
  const { role } = notes()

  const { events, hosts } = await trialRun({
    names,
    plays: [{ name: 'rolling', hosts: 'all', roles: [role], serial: 2 }],
  })

  t.true(hosts.every(({ status }) => status === 'changed'))
  const steps = order(events)
  const lastOfFirst = Math.max(steps.indexOf('one is done'), steps.indexOf('two is done'))
  t.true(lastOfFirst < steps.indexOf('three begins'))
  t.true(lastOfFirst < steps.indexOf('four begins'))
})

test('what is typed wins over what a play says, as a share too', async (t) => {
  const { role } = notes()

  const { events } = await trialRun({
    names,
    plays: [{ name: 'rolling', hosts: 'all', roles: [role], serial: '100%' }],
    serial: { percent: 25 },
  })

  t.deepEqual(
    order(events),
    names.flatMap((name) => [`${name} begins`, `${name} is done`]),
  )
})

test('a batch that did not end well is the last one, and those after it say on whom it did not', async (t) => {
  const { role, written } = notes(['two'])

  const { hosts } = await trialRun({
    names,
    plays: [{ name: 'rolling', hosts: 'all', roles: [role], serial: 2 }],
  })

  t.deepEqual(written(), ['one'])
  t.deepEqual(
    hosts.map(({ status }) => status),
    ['changed', 'failed', 'skipped', 'skipped'],
  )
  t.is(hosts[3]?.reason, 'rolling goes on batch by batch, and did not end well on two')
})

test('what a play waits for is the gate to the next batch', async (t) => {
  const { role, written } = notes()
  const never = join(scratch(), 'never')
  const gate = roleOf('gate', () => [{ ...note({ path: never, content: 'ready', fails: 1 }), waits: true }])

  const { hosts } = await trialRun({
    names: ['one', 'two'],
    plays: [{ name: 'rolling', hosts: 'all', roles: [role, gate], serial: 1 }],
  })

  t.deepEqual(written(), ['one'])
  t.is(hosts[0]?.error?.code, 'STEP_FAILED')
  t.is(hosts[1]?.reason, 'rolling goes on batch by batch, and did not end well on one')
})

test('batches go on while no more hosts fail than may', async (t) => {
  const { role, written } = notes(['one', 'three'])

  const { hosts } = await trialRun({
    names: [...names, 'five'],
    plays: [{ name: 'rolling', hosts: 'all', roles: [role], serial: 1 }],
    maxFail: { hosts: 1 },
  })

  t.deepEqual(written(), ['two'])
  t.is(hosts[3]?.reason, 'rolling goes on batch by batch, and did not end well on one, three')
})

test('no further host is begun once more have failed than may', async (t) => {
  const { role, written } = notes(['one'])

  const { hosts, events } = await trialRun({
    names,
    plays: [{ name: 'all at once', hosts: 'all', roles: [role] }],
    forks: 1,
    maxFail: { percent: 0 },
  })

  t.deepEqual(written(), [])
  t.is(hosts.filter(({ status }) => status === 'failed').length, 1)
  t.is(hosts[3]?.reason, 'not begun: more than 0 of the hosts failed (one)')
  t.is(order(events).filter((step) => step.endsWith('begins')).length, 1)
})

test('a play whose batches are neither a number nor a share is a mistake in the playbook', (t) => {
  const plays = [{ name: 'rolling', hosts: 'all', roles: [], serial: -1 }]

  t.throws(() => definePlaybook({ name: 'trial', summary: 'a trial', plays }), {
    instanceOf: TypeError,
    message: /trial > rolling: serial should be a number of hosts or a share, got -1/,
  })
})

test('a run that starts at a resource leaves what is before it in its role as it is', async (t) => {
  const directory = scratch()
  const paths = ['a', 'b', 'c'].map((name) => join(directory, name))
  const role = roleOf('notes', () => paths.map((path) => note({ path, content: 'x' })))
  const plays = [{ name: 'only', hosts: 'all', roles: [role] }]

  await trialRun({ names: ['one'], plays, startAt: { role: 'notes', resource: `note ${paths[1]}` } })

  t.deepEqual(paths.map(existsSync), [false, true, true])
})

test('where a host lacks the resource at which a run begins no host of any batch is changed', async (t) => {
  const directory = scratch()
  const role = roleOf('notes', ({ name }: Host) =>
    ['first', name === 'four' ? 'secnd' : 'second'].map((title) =>
      note({ path: join(directory, name, title), content: 'x' }),
    ),
  )

  for (const forks of [1, 4]) {
    const { hosts, events } = await trialRun({
      names,
      plays: [{ name: 'rolling', hosts: 'all', roles: [role], serial: 1 }],
      forks,
      startAt: { role: 'notes', resource: `note ${join(directory, 'four', 'secnd')}` },
    })

    t.deepEqual(
      hosts.map(({ status }) => status),
      ['failed', 'failed', 'failed', 'skipped'],
    )
    t.deepEqual(order(events), [])
    const { code, subject, why, advice } = hosts[0]?.error ?? {}
    t.is(code, 'START_UNKNOWN')
    t.regex(subject ?? '', /the role notes has no resource .*, and no host was changed$/)
    t.regex(why ?? '', new RegExp(`^the closest: note ${join(directory, 'one', 'second')}`))
    t.regex(advice ?? '', /^type --start-at "notes\/note .*second" if that is meant/)
    t.is(hosts[3]?.reason, 'not tried: the resource at which the run is to begin is not on one, two, three')
  }
})

test('a host that fails for another reason keeps no other from beginning at a resource', async (t) => {
  const path = join(scratch(), 'a')
  const role = roleOf('notes', ({ name }) => {
    if (name === 'one') throw new SluiceError('HOST_UNSUPPORTED', { subject: 'it is of another kind' })
    return [note({ path, content: 'x' })]
  })

  const { hosts } = await trialRun({
    names: ['one', 'two'],
    plays: [{ name: 'only', hosts: 'all', roles: [role] }],
    startAt: { role: 'notes', resource: path },
  })

  t.deepEqual(
    hosts.map(({ status }) => status),
    ['failed', 'changed'],
  )
})

test('a host that cannot be reached counts among those that failed', async (t) => {
  const { role, written } = notes()

  const { hosts } = await trialRun({
    names,
    plays: [{ name: 'all at once', hosts: 'all', roles: [role] }],
    forks: 1,
    maxFail: { hosts: 0 },
    connect: () => Promise.reject(new SluiceError('HOST_UNREACHABLE', { subject: 'it did not answer' })),
  })

  t.deepEqual(written(), [])
  t.deepEqual(
    hosts.map(({ status }) => status),
    ['failed', 'skipped', 'skipped', 'skipped'],
  )
})
