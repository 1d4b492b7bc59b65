import {
  type Minute,
  type PaceRun,
  type ProducerRun,
  percentile,
  ratioOf,
  type SpeedRun,
  summarizeSpeed,
} from './figures.ts'

/** What our processor is held to, and what it did. */
export interface Goal {
  goal: string
  measured: string
  reached: boolean
}

export interface Measurements {
  speed: SpeedRun[]
  pace: PaceRun[]
  minutes: Minute[]
  producer: ProducerRun[]
}

const milliseconds = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} ms`

/** Whether the goals are reached, as far as what they are about was measured. */
export function pipelineGoals({ speed, pace, minutes, producer }: Measurements): Goal[] {
  const goals: Goal[] = []
  const judge = (
    goal: string,
    value: number | undefined,
    reached: (value: number) => boolean,
    unit: (value: number) => string,
  ) => {
    if (value !== undefined) goals.push({ goal, measured: unit(value), reached: reached(value) })
  }
  const ours = summarizeSpeed(speed).find(({ contender }) => contender === 'sluice')
  const times = (value: number) => `${value.toFixed(2)} ×`
  const share = (value: number) => `${(value * 100).toFixed(0)} %`
  judge('at least 2.5 × Kafka Connect', ratioOf(speed, 'sluice', 'connect'), (value) => value >= 2.5, times)
  judge(
    'at least 60 % of the insertMany floor',
    ratioOf(speed, 'sluice', 'insert-floor'),
    (value) => value >= 0.6,
    share,
  )
  judge('/health p99 at full load at most 50 ms', ours?.healthP99, (value) => value <= 50, milliseconds)
  const peak = Math.max(
    0,
    ours?.peakMb ?? 0,
    ...pace.map(({ peakMb }) => peakMb),
    ...minutes.map(({ residentMb }) => residentMb),
  )
  judge(
    'at most 256 MB resident',
    peak === 0 ? undefined : peak,
    (value) => value <= 256,
    (value) => `${value.toFixed(0)} MB`,
  )
  for (const { eventsPerSecond, eventToDocumentMs } of pace) {
    const p95 = percentile(eventToDocumentMs, 0.95)
    judge(
      `event to document at ${eventsPerSecond} events/s, p95 at most 250 ms`,
      p95,
      (value) => value <= 250,
      milliseconds,
    )
  }
  const counts = minutes.map(({ documents }) => documents)
  // In the first one the program and the caches of mongod get warm.
  const warm = counts.slice(1)
  const flatness = counts.length < 10 ? undefined : Math.min(...warm) / Math.max(...warm)
  judge(
    `flat over ${counts.length} minutes: from the second on, the slowest is at least 80 % of the fastest`,
    flatness,
    (value) => value >= 0.8,
    share,
  )
  for (const { messages, seconds } of producer) {
    judge(
      'the producer: at least 50 000 messages/s',
      messages / seconds,
      (value) => value >= 50_000,
      (value) => Math.round(value).toLocaleString('en').replaceAll(',', ' '),
    )
  }
  return goals
}
