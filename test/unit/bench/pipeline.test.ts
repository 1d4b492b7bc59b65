import test from 'ava'
import { pipelineChart } from '../../../bench/pipeline/chart.ts'
import { percentile, ratioOf, type SpeedRun, summarizeSpeed } from '../../../bench/pipeline/figures.ts'
import { pipelineGoals } from '../../../bench/pipeline/goals.ts'
import { readPipelineOptions } from '../../../bench/pipeline/options.ts'
import { createStream } from '../../../bench/pipeline/stream.ts'
import { decodeGpuSample, decodeTokenUsage, Rejection } from '../../../runtime/decode.ts'

const run = (contender: SpeedRun['contender'], round: number, rate: number): SpeedRun => ({
  contender,
  round,
  documents: rate,
  seconds: 1,
  cpuMs: 500,
  peakMb: 200,
  healthMs: [1, 2, 60],
})

test('a stream is the same for the same seed, half of each kind, of 16 hosts, and valid', (t) => {
  const order = { seed: 7, startMs: Date.UTC(2026, 0, 1), eventsPerSecond: 1000 }
  const events = createStream(order).take(400).toArray()

  t.deepEqual(createStream(order).take(400).toArray(), events)
  t.is(events.filter(({ kind }) => kind === 'gpu').length, 200)
  t.is(new Set(events.map(({ host }) => host)).size, 16)
  t.is(new Set(events.map(({ fields }) => fields.event_id)).size, 400)
  for (const { kind, fields } of events) {
    const decoded = kind === 'gpu' ? decodeGpuSample(fields) : decodeTokenUsage(fields)
    t.false(decoded instanceof Rejection)
  }
})

test('ratios are taken within a round, and their median counts', (t) => {
  const runs = [
    ...[run('sluice', 1, 300), run('connect', 1, 100)],
    ...[run('sluice', 2, 40), run('connect', 2, 20)],
    ...[run('sluice', 3, 5000), run('connect', 3, 1000)],
  ]

  t.is(ratioOf(runs, 'sluice', 'connect'), 3)
  t.is(ratioOf(runs, 'sluice', 'python'), undefined)
})

test('what was not measured is no goal', (t) => {
  t.deepEqual(pipelineGoals({ speed: [], pace: [], minutes: [], producer: [] }), [])
})

test('goals are judged by the worst of what was measured', (t) => {
  const speed = [run('sluice', 1, 300), run('insert-floor', 1, 400), run('connect', 1, 130)]
  const producer = [{ messages: 400_000, seconds: 10, cpuMs: 3000, peakMb: 210 }]
  const goals = pipelineGoals({ speed, pace: [], minutes: [], producer })

  t.deepEqual(
    goals.map(({ measured, reached }) => [measured, reached]),
    [
      ['2.31 ×', false],
      ['75 %', true],
      ['60 ms', false],
      ['200 MB', true],
      ['40 000', false],
    ],
  )
})

test('less than ten minutes are not judged, and the first is not', (t) => {
  const goalsOf = (counts: number[]) => {
    const minutes = counts.map((documents, index) => ({ minute: index + 1, documents, residentMb: 150 }))
    return pipelineGoals({ speed: [], pace: [], minutes, producer: [] })
      .filter(({ goal }) => goal.startsWith('flat'))
      .map(({ measured }) => measured)
  }

  t.deepEqual(goalsOf(Array(9).fill(100)), [])
  t.deepEqual(goalsOf([50, ...Array(8).fill(100), 90]), ['90 %'])
})

test('the chart has a bar for everybody who was measured', (t) => {
  const svg = pipelineChart([run('sluice', 1, 120_000), run('python', 1, 1400)])

  t.regex(svg, /120 k\/s/)
  t.regex(svg, /1\.4 k\/s/)
  t.notRegex(svg, /Connect/)
})

test('a percentile is one of the values', (t) => {
  t.is(percentile([5, 1, 9, 3], 0.5), 3)
  t.is(percentile([5, 1, 9, 3], 0.99), 9)
  t.is(summarizeSpeed([run('sluice', 1, 1)])[0]?.healthP50, 2)
})

for (const words of ['--runs 0', '--contenders sluice,chef', '--messages many', 'now']) {
  test(`"${words}" is refused`, (t) => {
    const said: string[] = []
    t.throws(() => readPipelineOptions(words.split(' '), (text) => said.push(text)))
    t.regex(said.join(''), /^error: /)
  })
}
