import { type Kafka, Partitioners, type Producer, type TopicMessages } from 'kafkajs'
import { pause } from '../pause.ts'

/** Hands requests to Kafka, one attempt each: who calls decides what becomes of one that was not acknowledged. */
export class Sender {
  readonly #producer: Producer
  #connected = false

  constructor(kafka: Kafka) {
    this.#producer = kafka.producer({
      allowAutoTopicCreation: false,
      createPartitioner: Partitioners.DefaultPartitioner,
      retry: { retries: 2, initialRetryTime: 100, maxRetryTime: 1000 },
    })
  }

  /** Returns once all replicas have it. Throws where that is not known: then it may have arrived all the same. */
  async attempt(topicMessages: TopicMessages[]): Promise<void> {
    if (!this.#connected) await this.#producer.connect()
    this.#connected = true
    await this.#producer.sendBatch({ acks: -1, topicMessages })
  }

  /** Ends the connection, without waiting for a broker that does not answer. */
  async close(): Promise<void> {
    await Promise.race([this.#producer.disconnect(), pause(1000)])
  }
}

/** A timer of more fires at once. */
const longestTimerMs = 2 ** 31 - 1

/** How one attempt ended, or that it has not within the time. */
export type Outcome = 'acknowledged' | 'failed' | 'unclear'

/** Waits for an attempt, but not longer than this, nor than until the signal. */
export async function within(
  attempt: Promise<void>,
  signal: AbortSignal,
  milliseconds = longestTimerMs,
): Promise<Outcome> {
  const ended = Promise.withResolvers<Outcome>()
  const stopWaiting = () => ended.resolve('unclear')
  attempt.then(
    () => ended.resolve('acknowledged'),
    () => ended.resolve('failed'),
  )
  if (signal.aborted) stopWaiting()
  signal.addEventListener('abort', stopWaiting)
  const timer = setTimeout(stopWaiting, milliseconds)
  try {
    return await ended.promise
  } finally {
    clearTimeout(timer)
    // One listener a request would otherwise stay for as long as the program runs.
    signal.removeEventListener('abort', stopWaiting)
  }
}
