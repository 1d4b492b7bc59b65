/** How far back the charts can look. */
export const rangeNames = ['15m', '1h', '6h', '24h', '7d', '30d'] as const
export type Range = (typeof rangeNames)[number]

/** A line of a chart: a number for each time, `null` where there is none. */
export interface Line {
  name: string
  values: (number | null)[]
}

/** Sums over a range. */
export interface Share {
  /** Of token usage only. */
  events: number
  tokens: number
  cost_usd: number
}

/** What the charts and tables of a range show: the event `history`. */
export interface History {
  range: Range
  /** In milliseconds since 1970, as `to`. */
  from: number
  to: number
  /** The seconds since 1970 at which the points of all lines lie. */
  times: number[]
  events: Line[]
  tokens: Line[]
  cost: Line[]
  utilization: Line[]
  memory: Line[]
  total: Share
  models: (Share & { model: string })[]
  gpus: (Share & { host: string | null; gpu_index: number })[]
}

/** What a moment looks like. */
export interface Tick {
  at: number
  events_per_second: number
  tokens_per_second: number
  lag: number
}

/** The lag of a topic's partitions that this processor reads. */
export interface TopicLag {
  topic: string
  partitions: { partition: number; lag: number }[]
}

/** A line of the log that was a warning or worse; the same one again only counts up. */
export interface Trouble {
  at: string
  level: 'warn' | 'error' | 'fatal'
  message: string
  times: number
}

/** A message that was sent to the dead-letter topic. */
export interface ShownLetter {
  at: string
  topic: string
  partition: number
  offset: string
  reason: string
}

/** The newest sample of a GPU. */
export interface GpuState {
  host: string
  gpu_index: number
  name: string
  utilization: number
  mem_used_mb: number
  mem_total_mb: number
  power_w: number
  price_per_hour_usd: number
  age_seconds: number
}

/** What the page learns every second: the event `tick`. */
export interface LiveState extends Tick {
  host: string
  uptime_seconds: number
  /** Why the processor is not ready, by part. */
  reasons: Record<string, string>
  stored: number
  rejected: number
  /** Messages in the dead-letter topic, `null` while that is not known. */
  dead_letters: number | null
  lag_of_topics: TopicLag[]
  letters: ShownLetter[]
  troubles: Trouble[]
  gpus: GpuState[]
}

/** What a page hears first: the event `hello`. */
export interface Hello {
  /** Changes with the page: one that is open then loads itself anew. */
  version: string
  ticks: Tick[]
}
