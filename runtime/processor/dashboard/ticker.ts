import type { ProcessorMetrics } from '../metrics.ts'
import type { Tick, TopicLag } from './wire.ts'

const everyMs = 1000
const kept = 300

/** Rates are those of the last seconds, so that a number can be read before it changes. */
const rateSeconds = 5

/** The counters at one moment. */
interface Count {
  at: number
  stored: number
  rejected: number
  tokens: number
  lag: number
}

/** Takes the counters every second, and keeps the last five minutes. */
export class Ticker {
  readonly #metrics: ProcessorMetrics
  readonly #counts: Count[] = []
  readonly #listeners = new Set<() => void>()
  readonly ticks: Tick[] = []
  lagOfTopics: TopicLag[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(metrics: ProcessorMetrics) {
    this.#metrics = metrics
  }

  start(): void {
    this.#timer = setInterval(() => void this.#take(), everyMs)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Calls the listener after each tick; returns what ends that. */
  onTick(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** What was counted since the start. */
  get totals(): { stored: number; rejected: number; tokens: number } {
    const { stored, rejected, tokens } = this.#counts.at(-1) ?? { stored: 0, rejected: 0, tokens: 0 }
    return { stored, rejected, tokens }
  }

  async #take(): Promise<void> {
    const [events, tokens, lag] = await Promise.all([
      this.#metrics.events.get(),
      this.#metrics.tokens.get(),
      this.#metrics.lag.get(),
    ])
    const of = (result: string) => sum(events.values.filter(({ labels }) => labels.result === result))
    this.lagOfTopics = byTopic(lag.values)
    const count = {
      at: Date.now(),
      stored: of('stored'),
      rejected: of('rejected'),
      tokens: sum(tokens.values),
      lag: sum(lag.values),
    }
    this.#counts.push(count)
    if (this.#counts.length > rateSeconds + 1) this.#counts.shift()
    const first = this.#counts[0] ?? count
    const seconds = Math.max(everyMs, count.at - first.at) / 1000
    this.ticks.push({
      at: count.at,
      events_per_second: (count.stored - first.stored) / seconds,
      tokens_per_second: (count.tokens - first.tokens) / seconds,
      lag: count.lag,
    })
    if (this.ticks.length > kept) this.ticks.shift()
    for (const listener of this.#listeners) listener()
  }
}

const sum = (values: { value: number }[]): number => values.reduce((total, { value }) => total + value, 0)

function byTopic(
  values: { value: number; labels: { topic?: string | number; partition?: string | number } }[],
): TopicLag[] {
  const topics = Map.groupBy(values, ({ labels }) => String(labels.topic))
  return [...topics]
    .map(([topic, found]) => ({
      topic,
      partitions: found
        .map(({ labels, value }) => ({ partition: Number(labels.partition), lag: value }))
        .sort((a, b) => a.partition - b.partition),
    }))
    .sort((a, b) => (a.topic < b.topic ? -1 : 1))
}
