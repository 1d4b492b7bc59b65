import { median } from '../converge/summary.ts'
import { type ContenderName, contenderNames } from './contenders.ts'

/** What one run of one contender at full speed gave. */
export interface SpeedRun {
  contender: ContenderName
  /** Of all runs that belong together: ratios are taken within it. */
  round: number
  documents: number
  seconds: number
  cpuMs: number
  /** What the services beside it used. */
  serviceCpuMs?: { kafka: number; mongodb: number }
  /** Not of the floors: they hold what they insert. */
  peakMb?: number
  /** What each answer of its port took meanwhile. */
  healthMs?: number[]
  /** Documents a second in the first and in the last quarter of the run. */
  early?: number
  late?: number
}

/** What our processor gave when events came at an even pace. */
export interface PaceRun {
  eventsPerSecond: number
  /** From the event's own time until its document could be found. */
  eventToDocumentMs: number[]
  healthMs: number[]
  cpuShare: number
  peakMb: number
}

/** One minute of a long run at full speed. */
export interface Minute {
  minute: number
  documents: number
  residentMb: number
}

/** What our producer sent without a pause, acknowledged by Kafka. */
export interface ProducerRun {
  messages: number
  seconds: number
  cpuMs: number
  peakMb: number
}

export const rateOf = ({ documents, seconds }: Pick<SpeedRun, 'documents' | 'seconds'>): number =>
  documents / seconds

/** The value that this share of all values does not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}

export interface SpeedSummary {
  contender: ContenderName
  runs: number
  rate: number
  slowest: number
  fastest: number
  cpuMicrosecondsPerDocument: number
  mongodbMicrosecondsPerDocument: number | undefined
  kafkaMicrosecondsPerDocument: number | undefined
  coresBusy: number
  peakMb: number | undefined
  healthP50: number | undefined
  healthP99: number | undefined
  /** By how much the last quarter was faster than the first: 1 is as fast. */
  lateOverEarly: number | undefined
}

/** Medians of each contender, in the order that they are listed in. */
export function summarizeSpeed(runs: readonly SpeedRun[]): SpeedSummary[] {
  return contenderNames.flatMap((contender) => {
    const own = runs.filter((run) => run.contender === contender)
    if (own.length === 0) return []
    const rates = own.map(rateOf)
    const health = own.flatMap(({ healthMs = [] }) => healthMs)
    const peaks = own.flatMap(({ peakMb }) => peakMb ?? [])
    const drifts = own.flatMap(({ early, late }) =>
      early === undefined || late === undefined ? [] : late / early,
    )
    return {
      ...{ contender, runs: own.length, rate: median(rates) },
      ...{ slowest: Math.min(...rates), fastest: Math.max(...rates) },
      cpuMicrosecondsPerDocument: median(own.map(({ cpuMs, documents }) => (cpuMs * 1000) / documents)),
      mongodbMicrosecondsPerDocument: ofService(own, 'mongodb'),
      kafkaMicrosecondsPerDocument: ofService(own, 'kafka'),
      coresBusy: median(own.map(({ cpuMs, seconds }) => cpuMs / 1000 / seconds)),
      peakMb: peaks.length === 0 ? undefined : Math.max(...peaks),
      healthP50: health.length === 0 ? undefined : percentile(health, 0.5),
      healthP99: health.length === 0 ? undefined : percentile(health, 0.99),
      lateOverEarly: drifts.length === 0 ? undefined : median(drifts),
    }
  })
}

function ofService(runs: readonly SpeedRun[], service: 'kafka' | 'mongodb'): number | undefined {
  const each = runs.flatMap(({ serviceCpuMs, documents }) =>
    serviceCpuMs === undefined ? [] : (serviceCpuMs[service] * 1000) / documents,
  )
  return each.length === 0 ? undefined : median(each)
}

/** The median over the rounds of how many times as fast one contender was as another in the same round. */
export function ratioOf(
  runs: readonly SpeedRun[],
  one: ContenderName,
  other: ContenderName,
): number | undefined {
  const ratios = [...Map.groupBy(runs, ({ round }) => round).values()].flatMap((round) => {
    const [ours, theirs] = [one, other].map((name) => round.find(({ contender }) => contender === name))
    return ours === undefined || theirs === undefined ? [] : rateOf(ours) / rateOf(theirs)
  })
  return ratios.length === 0 ? undefined : median(ratios)
}
