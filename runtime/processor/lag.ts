import type { Admin, Kafka } from 'kafkajs'
import type { Logger } from '../log.ts'
import { pause } from '../pause.ts'
import type { ProcessorMetrics } from './metrics.ts'

const everyMs = 10_000

/** What lag is measured of. */
export interface Measured {
  group: string
  topics: string[]
  deadLetterTopic: string
  /** The partitions that are read here, as `topic:partition`. */
  assigned: () => ReadonlySet<string>
}

/** Measures until the signal says stop. */
export async function watchLag(
  kafka: Kafka,
  measured: Measured,
  { metrics, log, signal }: { metrics: ProcessorMetrics; log: Logger; signal: AbortSignal },
): Promise<void> {
  const admin = kafka.admin({ retry: { retries: 1 } })
  const measure = new LagMeasure(admin, measured, { metrics, log })
  while (!signal.aborted) {
    await pause(everyMs, signal)
    if (!signal.aborted) await measure.take()
  }
  await admin.disconnect()
}

/**
 * The lag of the partitions that are read here, and how much the dead-letter topic holds. What the consumer itself knows
 * of it stands still while MongoDB is away, which is when the lag grows. While nothing is known the metrics are not
 * there: a number that stands still raises no alarm.
 */
export class LagMeasure {
  readonly #admin: Admin
  readonly #measured: Measured
  readonly #metrics: ProcessorMetrics
  readonly #log: Logger
  #connected = false
  #failing = false

  constructor(
    admin: Admin,
    measured: Measured,
    { metrics, log }: { metrics: ProcessorMetrics; log: Logger },
  ) {
    this.#admin = admin
    this.#measured = measured
    this.#metrics = metrics
    this.#log = log
  }

  /** Measures once. Does not throw: it says when it begins to fail, and when that is over. */
  async take(): Promise<void> {
    try {
      if (!this.#connected) await this.#admin.connect()
      this.#connected = true
      for (const topic of this.#measured.topics) await this.#takeTopic(topic)
      await this.#takeDeadLetters()
      if (this.#failing) this.#log.info('the lag is measured again')
      this.#failing = false
    } catch (error) {
      if (!this.#failing)
        this.#log.warn({ err: error }, 'the lag cannot be measured: its metrics are not there')
      this.#failing = true
      this.#metrics.lag.reset()
      this.#metrics.deadLettersHeld.reset()
    }
  }

  async #takeTopic(topic: string): Promise<void> {
    const { group, assigned } = this.#measured
    const [committed] = await this.#admin.fetchOffsets({ groupId: group, topics: [topic] })
    const offsets = new Map(committed?.partitions.map(({ partition, offset }) => [partition, Number(offset)]))
    for (const { partition, low, high } of await this.#admin.fetchTopicOffsets(topic)) {
      if (!assigned().has(`${topic}:${partition}`)) continue
      // Without a committed offset the partition is read from its beginning.
      const next = Math.max(offsets.get(partition) ?? -1, Number(low))
      this.#metrics.lag.set({ topic, partition }, Math.max(0, Number(high) - next))
    }
  }

  async #takeDeadLetters(): Promise<void> {
    const topic = this.#measured.deadLetterTopic
    const held = await this.#admin.fetchTopicOffsets(topic)
    const messages = held.reduce((sum, { low, high }) => sum + Number(high) - Number(low), 0)
    this.#metrics.deadLettersHeld.set({ topic }, messages)
  }
}
