import { mock } from 'node:test'
import test from 'ava'
import { lineReport } from '../../../../engine/report/lines.ts'
import { everyEvent, plain, runResult } from '../../../support/events.ts'

function lines(verbose: boolean): string[] {
  const written: string[] = []
  const now = () => new Date(2026, 0, 2, 12, 3, 4)
  const emit = lineReport({ write: (line) => written.push(line), paint: plain, verbose, now })
  for (const event of everyEvent()) emit(event)
  return written
}

test('a change is one line with time, host, role, what changed and how long it took', (t) => {
  t.true(
    lines(false).includes(
      '12:03:04 vm1   kafka         file /etc/a changed (content 4 bytes → 4 bytes, mode 0644 → 0640)  120 ms',
    ),
  )
})

test('in a removal what every host has is put back, and what was made goes', (t) => {
  const written: string[] = []
  const emit = lineReport({ write: (line) => written.push(line), paint: plain, verbose: false })
  const changed = (resource: string, have: string, want: string | undefined) => {
    const changes = [{ property: 'state', have, want }]
    const planned = { host: 'vm1', play: 'base', role: 'base', resource, changes, after: [] }
    emit({ type: 'resource-changed', planned, durationMs: 5 })
  }

  emit({ type: 'run-started', playbook: 'destroy', mode: 'remove', hosts: ['vm1'] })
  changed('moduli /etc/ssh/moduli', 'set by Sluice', 'as before')
  changed('file /etc/a', 'present', undefined)
  emit({ type: 'run-ended', result: runResult([], { mode: 'remove' }) })

  t.regex(written[1] ?? '', /moduli \/etc\/ssh\/moduli put back \(state set by Sluice → as before\) {2}5 ms$/)
  t.regex(written[2] ?? '', /file \/etc\/a removed \(state present → absent\) {2}5 ms$/)
})

test('every line of one event begins with the time', (t) => {
  for (const line of lines(true)) t.regex(line, /^12:03:04 /)
})

test('--verbose also says what is begun', (t) => {
  t.false(lines(false).some((line) => line.endsWith('file /etc/a …')))
  t.true(lines(true).some((line) => line.endsWith('file /etc/a …')))
})

test.serial('without a terminal a step that takes long is said to be under way, until the run ends', (t) => {
  mock.timers.enable({ apis: ['setInterval'] })
  t.teardown(() => mock.timers.reset())
  const written: string[] = []
  const start = Date.UTC(2026, 0, 2)
  let time = start
  const pass = (milliseconds: number) => {
    time += milliseconds
    mock.timers.tick(milliseconds)
  }
  const emit = lineReport({
    ...{ write: (line) => written.push(line), paint: plain, verbose: false },
    now: () => new Date(time),
  })
  const place = { host: 'vm1', play: 'kafka', role: 'kafka', resource: 'package openjdk' }

  emit({ type: 'run-started', playbook: 'provision', mode: 'apply', hosts: ['vm1'] })
  emit({ type: 'resource-started', place })
  pass(25_000)
  t.is(written.length, 1)
  pass(5000)
  t.regex(written.at(-1) ?? '', /kafka +package openjdk: still under way after 30\.0 s$/)
  emit({ type: 'resource-waited', place, durationMs: 30_000 })
  pass(600_000)

  t.is(written.length, 2)
})
