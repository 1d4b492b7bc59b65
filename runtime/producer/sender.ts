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
        await unlessAborted(this.#attempt(topicMessages), giveUp)
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

  /** Ends the connection, without waiting for a broker that does not answer. */
  async close(): Promise<void> {
    await Promise.race([this.#producer.disconnect(), pause(1000)])
  }

  async #attempt(topicMessages: TopicMessages[]): Promise<void> {
    if (!this.#connected) await this.#producer.connect()
    this.#connected = true
    await this.#producer.sendBatch({ acks: -1, topicMessages })
  }

  #count(what: keyof Counts, topicMessages: TopicMessages[]): void {
    const counts = this.counts[what]
    for (const { topic, messages } of topicMessages) counts[topic] = (counts[topic] ?? 0) + messages.length
  }
}

/** Waits for the work, but not longer than until the signal: a frozen broker would be waited for much longer. */
async function unlessAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<never>()
  const say = () => aborted.reject(new Error('the time to stop has come'))
  if (signal.aborted) say()
  signal.addEventListener('abort', say)
  try {
    await Promise.race([work, aborted.promise])
  } finally {
    // One listener a request would otherwise stay for as long as the program runs.
    signal.removeEventListener('abort', say)
  }
}
