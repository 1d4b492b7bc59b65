import test from 'ava'
import { reportLines } from '../../../../engine/cli/capacity-command.ts'
import type { Measured } from '../../../../engine/cli/pipeline-controls.ts'
import { capacityOf } from '../../../../playbooks/operate/capacity.ts'
import { growth, parseMetrics, quantile } from '../../../../playbooks/operate/metrics-text.ts'
import { plain } from '../../../support/events.ts'

/** One processor that takes 0.1 ms a message, at 2,000 messages a second. */
const calm: Measured = {
  seconds: 30,
  arriving: 2000,
  processed: 2000,
  lag: 100,
  partitions: 36,
  processors: 1,
  cpuSeconds: [6],
  writeSeconds: 12,
  inserted: 60_000,
  writes: 66_000,
  writeP95: 0.008,
}
const wishes = { seconds: 30, safety: 1.3, headroom: 0.7, topics: [], group: 'g' }

test('C is P times t_proc times S, rounded up', (t) => {
  const { processors, advice } = capacityOf(calm, wishes)

  t.is(processors.secondsPerMessage, 0.0001)
  t.is(processors.needed, 1)
  t.deepEqual(advice, [])
  t.is(capacityOf({ ...calm, arriving: 20_000 }, wishes).processors.needed, 3)
  t.is(capacityOf({ ...calm, arriving: 20_000 }, { ...wishes, safety: 1.5 }).processors.needed, 3)
  t.is(capacityOf({ ...calm, arriving: 21_000 }, { ...wishes, safety: 1.5 }).processors.needed, 4)
})

test('where writing takes longer than computing, it is what a message takes', (t) => {
  const { processors } = capacityOf({ ...calm, writeSeconds: 48 }, wishes)

  t.is(processors.writingPerMessage, 0.0002)
  t.is(processors.secondsPerMessage, 0.0002)
})

test('MongoDB has headroom while P times w is not above W times H', (t) => {
  const { database } = capacityOf(calm, { ...wishes, writesPerSecond: 4000 })

  t.is(database.writesPerMessage, 1.1)
  t.is(Math.round(database.demanded), 2200)
  t.true(database.enough)
  t.false(database.estimated)
  const full = capacityOf(calm, { ...wishes, writesPerSecond: 3000 })
  t.false(full.database.enough)
  t.deepEqual(
    full.advice.map(({ what }) => what),
    ['database'],
  )
  // 60,000 documents in 12 s of writing, four at once.
  t.is(capacityOf(calm, wishes).database.sustained, 20_000)
})

test('it says when to scale out, in, and when neither helps', (t) => {
  const advised = (more: Partial<Measured>) =>
    capacityOf({ ...calm, ...more }, wishes).advice.map(({ what }) => what)

  t.deepEqual(advised({ lag: 240_001 }), ['scale out'])
  t.deepEqual(advised({ lag: 239_999 }), [])
  t.deepEqual(advised({ cpuSeconds: [21.1], arriving: 100 }), ['scale out'])
  t.deepEqual(advised({ arriving: 8000 }), ['scale out'])
  t.deepEqual(advised({ arriving: 8000, processors: 36, cpuSeconds: [25, ...Array(35).fill(0)] }), [
    'more partitions',
  ])
  t.deepEqual(advised({ processors: 3, cpuSeconds: [2, 2, 2] }), ['scale in'])
  t.deepEqual(advised({ processors: 3, cpuSeconds: [2, 2, 2], lag: 5000 }), [])
  t.deepEqual(advised({ writeP95: 0.031 }), ['database'])
})

test('a pipeline without load takes one processor, and says that nothing was measured', (t) => {
  const idle = { ...calm, arriving: 0, processed: 0, lag: 0, cpuSeconds: [0.3], writeSeconds: 0, inserted: 0 }
  const report = capacityOf({ ...idle, writes: 0, writeP95: undefined }, wishes)

  t.is(report.processors.needed, 1)
  t.is(report.database.sustained, undefined)
  t.deepEqual(report.advice, [])
  t.regex(reportLines(report, plain).join('\n'), /nothing was processed[\s\S]*≤ unknown · 0\.7 = unknown/)
})

test('the report shows both formulas with their numbers', (t) => {
  const text = reportLines(capacityOf(calm, wishes), plain).join('\n')

  t.regex(
    text,
    /C = ceil\(P · t_proc · S\) = ceil\(2,000 · 0\.000100 · 1\.3\) = 1; 1 run, 36 could have work/,
  )
  t.regex(text, /P · w ≤ W · H: 2,000 · 1\.1 = 2,200 ≤ 20,000 · 0\.7 = 14,000 writes\/s/)
  t.regex(text, /scale out above P · 120 s = 240,000/)
  t.regex(text, /It is enough\./)
})

test('counters are compared by their labels, and one that began anew counts from there', (t) => {
  const before = parseMetrics('a_total{x="1"} 10\na_total{x="2"} 5\n# HELP a_total b\n')
  const after = parseMetrics('a_total{x="1"} 15\na_total{x="2"} 2\na_total{x="3"} 1\nab_total 9\n')

  t.is(growth('a_total', before, after), 8)
  t.is(growth('a_total', before, after, 'x="1"'), 5)
})

test('a quantile is of what a histogram took in between', (t) => {
  const histogram = (counts: number[]) =>
    parseMetrics(
      ['0.01', '0.1', '+Inf'].map((le, index) => `h_bucket{le="${le}"} ${counts[index]}`).join('\n'),
    )
  const before = histogram([100, 100, 100])

  t.is(quantile('h', 0.5, before, histogram([200, 200, 200])), 0.005)
  t.is(quantile('h', 0.5, before, histogram([100, 200, 200]))?.toFixed(6), '0.055000')
  t.is(quantile('h', 0.95, before, histogram([100, 100, 200])), 0.1)
  t.is(quantile('h', 0.95, before, before), undefined)
})
