import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { SluiceError } from '../../../engine/errors.ts'
import { type Mode, stoppedReason } from '../../../engine/events.ts'
import { note, scratch } from '../../support/resources.ts'
import { roleOf, trialRun } from '../../support/trial-run.ts'

test('a host that waits for another one that fails says which one that is', async (t) => {
  const directory = scratch()
  const failing = roleOf('failing', () => [note({ path: join(directory, 'a'), content: 'a', fails: 1 })])
  const waiting = roleOf('waiting', () => [note({ path: join(directory, 'b'), content: 'b' })])

  const { hosts } = await trialRun({
    names: ['first', 'second'],
    plays: [
      { name: 'before', hosts: 'first', roles: [failing] },
      { name: 'after', hosts: 'second', roles: [waiting], needs: ['before'] },
    ],
  })

  t.deepEqual(
    hosts.map(({ status }) => status),
    ['failed', 'skipped'],
  )
  t.is(hosts[1]?.reason, 'after needs before, which did not end well on first')
  t.false(existsSync(join(directory, 'b')))
})

test('a host that waits when the run is stopped was not tried because of that, and nobody failed', async (t) => {
  const directory = scratch()
  const stop = new AbortController()
  const slow = roleOf('slow', () => [
    note({ path: join(directory, 'a'), content: 'a' }),
    note({ path: join(directory, 'b'), content: 'b', reads: [`path:${join(directory, 'a')}`] }),
  ])

  const { hosts, interrupted } = await trialRun({
    names: ['first', 'second', 'third'],
    plays: [
      { name: 'before', hosts: 'first', roles: [slow] },
      { name: 'after', hosts: 'second', roles: [slow], needs: ['before'] },
      { name: 'last', hosts: 'third', roles: [slow], needs: ['after'] },
    ],
    signal: stop.signal,
    onEvent: (event) => {
      if (event.type === 'resource-changed') stop.abort()
    },
  })

  t.true(interrupted)
  t.is(hosts[0]?.error?.code, 'INTERRUPTED')
  t.deepEqual(
    hosts.slice(1).map(({ status, reason, error }) => ({ status, reason, error })),
    ['second', 'third'].map(() => ({ status: 'skipped', reason: stoppedReason, error: undefined })),
  )
})

test('a host that a stopped run had not begun is not connected to', async (t) => {
  const { hosts, events } = await trialRun({
    names: ['first'],
    plays: [{ name: 'only', hosts: 'all', roles: [] }],
    signal: AbortSignal.abort(),
  })

  t.is(hosts[0]?.reason, stoppedReason)
  t.false(events.some(({ type }) => type === 'host-connecting'))
})

test('what a role requires of a host is asked before anything is changed, and not for a removal', async (t) => {
  const path = join(scratch(), 'a')
  const demanding = {
    ...roleOf('demanding', () => [note({ path, content: 'a' })]),
    require: () => {
      throw new SluiceError('HOST_UNSUPPORTED', { subject: 'it has one leg' })
    },
  }
  const run = (mode: Mode) =>
    trialRun({ names: ['first'], plays: [{ name: 'one', hosts: 'all', roles: [demanding] }], mode })

  const refused = await run('apply')
  const there = existsSync(path)
  writeFileSync(path, 'a')
  const removed = await run('remove')

  t.is(refused.hosts[0]?.error?.code, 'HOST_UNSUPPORTED')
  t.false(there)
  t.is(removed.hosts[0]?.error, undefined)
})
