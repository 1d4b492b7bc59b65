import { type Kafka, Partitioners, type Producer, type TopicMessages } from 'kafkajs'
import type { Logger } from '../log.ts'
import { backoff, pause } from '../pause.ts'

/** How many messages of which topic were acknowledged, and how many were given up. */
export interface Counts {
  acknowledged: Record<string, number>
  given_up: Record<string, number>
}

/**
 * Sends one request at a time and waits until all replicas have it, so that there is never more in memory than that
 * request. A request of which it is not known whether it arrived is sent again; `event_id` makes that harmless.
 */
export class Sender {
  readonly #producer: Producer
  readonly #log: Logger
  #connected = false
  readonly counts: Counts = { acknowledged: {}, given_up: {} }

  constructor(kafka: Kafka, log: Logger) {
    this.#log = log
    this.#producer = kafka.producer({
      allowAutoTopicCreation: false,
      createPartitioner: Partitioners.DefaultPartitioner,
      retry: { retries: 2, initialRetryTime: 100, maxRetryTime: 1000 },
    })
  }

  /** Sends until acknowledged, or gives up once the signal says so. Returns whether it was acknowledged. */
  async send(topicMessages: TopicMessages[], giveUp: AbortSignal): Promise<boolean> {
    const waitingTime = backoff({ initial: 200, longest: 3000 })
    for (let attempts = 1; ; attempts += 1) {
      try {
        if (!this.#connected) await this.#producer.connect()
        this.#connected = true
        await this.#producer.sendBatch({ acks: -1, topicMessages })
        if (attempts > 1) this.#log.info({ attempts }, 'Kafka acknowledges again')
        this.#count('acknowledged', topicMessages)
        return true
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error)
        this.#log.error({ attempts, why }, 'Kafka did not acknowledge; nothing new is made until it does')
      }
      await pause(waitingTime(), giveUp)
      if (giveUp.aborted) {
        this.#count('given_up', topicMessages)
        return false
      }
    }
  }

  async close(): Promise<void> {
    await this.#producer.disconnect()
  }

  #count(what: keyof Counts, topicMessages: TopicMessages[]): void {
    const counts = this.counts[what]
    for (const { topic, messages } of topicMessages) counts[topic] = (counts[topic] ?? 0) + messages.length
  }
}
