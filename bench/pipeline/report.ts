import { type ContenderName, contenderTitles } from './contenders.ts'
import {
  type Minute,
  type PaceRun,
  type ProducerRun,
  percentile,
  ratioOf,
  type SpeedRun,
  type SpeedSummary,
  summarizeSpeed,
} from './figures.ts'
import { pipelineGoals } from './goals.ts'
import type { PipelineResults } from './results.ts'

/** The figures as a page of Markdown. */
export function pipelineReport(results: PipelineResults): string {
  const { speed, pace, minutes, producer } = results
  const versions = Object.entries(results.versions).map(([name, version]) => `${name} ${version}`)
  return [
    '# The same stream of events, stored by Sluice and by others',
    '',
    `${count(results.messages)} events, half samples of GPUs and half usage of tokens, of 16 hosts, lie in Kafka; whoever is`,
    'measured stores them in MongoDB, with the same two indexes on each collection. A run counts from the first document',
    'to the last, so that no start is in it. Sluice validates each event, computes its cost over a window of 30 s, and',
    "waits for the database's journal before it commits an offset. Kafka Connect does none of that: its sink inserts what",
    'comes, unordered, in 4 threads, with identities that its driver makes: a replay doubles what it stores. A second row',
    'has it use the identity that we use, with which a replay doubles nothing and the database has more work. The Python',
    'processor inserts one document a message and updates it with its cost.',
    'The floors do half of the work each: `insertMany` of finished documents from memory, 4 writers, unordered, without',
    'waiting for the journal; and reading and parsing alone.',
    '',
    `- command: \`${results.command}\` (${results.date})`,
    `- machine: ${results.machine}`,
    `- versions: ${versions.join(', ')}`,
    '- medians of several rounds, in each of which everybody ran once; memory and latency are the worst of all rounds',
    '- processor time is that of the contender alone; what mongod and Kafka beside it used stands next to it',
    '',
    '![documents a second](pipeline.svg)',
    '',
    ...section('Goals', ['goal', 'measured', 'reached'], goalRows(results)),
    ...section('Full speed', speedHead, speedRows(speed)),
    ...section('An even pace', paceHead, pace.map(paceRow)),
    ...section('Minute by minute', ['minute', 'documents/s', 'resident memory'], minutes.map(minuteRow)),
    ...section('The producer, without a pause', producerHead, producer.map(producerRow)),
  ].join('\n')
}

const goalRows = (results: PipelineResults): string[][] =>
  pipelineGoals(results).map(({ goal, measured, reached }) => [goal, measured, reached ? 'yes' : 'no'])

const speedHead = [
  '',
  'documents/s',
  'slowest – fastest',
  'Sluice is … times as fast',
  'last quarter / first',
  'CPU a document',
  'mongod’s',
  'Kafka’s',
  'cores busy',
  'peak memory',
  'health p50',
  'health p99',
  'runs',
]

function speedRows(runs: readonly SpeedRun[]): string[][] {
  return summarizeSpeed(runs).map((summary) => [
    contenderTitles[summary.contender],
    count(summary.rate),
    `${count(summary.slowest)} – ${count(summary.fastest)}`,
    advantage(runs, summary.contender),
    fixed(summary.lateOverEarly, 2),
    `${summary.cpuMicrosecondsPerDocument.toFixed(1)} µs`,
    withUnit(summary.mongodbMicrosecondsPerDocument, 1, 'µs'),
    withUnit(summary.kafkaMicrosecondsPerDocument, 1, 'µs'),
    summary.coresBusy.toFixed(2),
    withUnit(summary.peakMb, 0, 'MB'),
    ...healthOf(summary),
    String(summary.runs),
  ])
}

function advantage(runs: readonly SpeedRun[], contender: ContenderName): string {
  return contender === 'sluice' ? '' : fixed(ratioOf(runs, 'sluice', contender), 2)
}

const healthOf = ({ healthP50, healthP99 }: SpeedSummary): string[] => [
  withUnit(healthP50, 1, 'ms'),
  withUnit(healthP99, 1, 'ms'),
]

const paceHead = [
  'events/s',
  'event to document p50',
  'p95',
  'p99',
  'health p99',
  'cores busy',
  'peak memory',
]

const paceRow = ({ eventsPerSecond, eventToDocumentMs, healthMs, cpuShare, peakMb }: PaceRun): string[] => [
  count(eventsPerSecond),
  ...[0.5, 0.95, 0.99].map((share) => withUnit(percentile(eventToDocumentMs, share), 0, 'ms')),
  withUnit(percentile(healthMs, 0.99), 1, 'ms'),
  cpuShare.toFixed(2),
  withUnit(peakMb, 0, 'MB'),
]

const minuteRow = ({ minute, documents, residentMb }: Minute): string[] => [
  String(minute),
  count(documents / 60),
  withUnit(residentMb, 0, 'MB'),
]

const producerHead = ['messages/s', 'CPU a message', 'peak memory', 'measured for']

const producerRow = ({ messages, seconds, cpuMs, peakMb }: ProducerRun): string[] => [
  count(messages / seconds),
  `${((cpuMs * 1000) / messages).toFixed(1)} µs`,
  withUnit(peakMb, 0, 'MB'),
  withUnit(seconds, 0, 's'),
]

function section(title: string, head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return rows.length === 0 ? [] : [`## ${title}`, '', ...table(head, rows), '']
}

const count = (value: number): string => Math.round(value).toLocaleString('en').replaceAll(',', ' ')

const fixed = (value: number | undefined, digits: number): string =>
  value === undefined || Number.isNaN(value) ? '–' : value.toFixed(digits)

const withUnit = (value: number | undefined, digits: number, unit: string): string =>
  value === undefined || Number.isNaN(value) ? '–' : `${value.toFixed(digits)} ${unit}`

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map((_, index) => (index === 0 ? '---' : '--:'))), ...rows.map(line)]
}
