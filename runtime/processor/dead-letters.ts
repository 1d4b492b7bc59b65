import { type IHeaders, type Kafka, type KafkaMessage, Partitioners, type Producer } from 'kafkajs'
import type { ProcessorMetrics } from './metrics.ts'
import type { Persist, StillOurs } from './persist.ts'

/** A message that cannot be stored, and why. */
export interface DeadLetter {
  message: KafkaMessage
  reason: string
}

/** Is told of letters once they are acknowledged. */
type OnSent = (
  from: { topic: string; partition: number },
  letters: { offset: string; reason: string }[],
) => void

/** Values longer than this are cut: with its headers the letter must stay below the broker's limit of 1 MB. */
const longestValue = 900_000

/** The bytes of letters that are sent at once. */
const bytesAtOnce = 900_000

/** Sends messages that cannot be stored to a topic of their own, with where they came from in the headers. */
export class DeadLetters {
  readonly #producer: Producer
  readonly #topic: string
  readonly #persist: Persist
  readonly #metrics: ProcessorMetrics
  readonly #onSent: OnSent | undefined
  #connected = false

  constructor(
    kafka: Kafka,
    topic: string,
    { persist, metrics, onSent }: { persist: Persist; metrics: ProcessorMetrics; onSent?: OnSent },
  ) {
    this.#producer = kafka.producer({
      allowAutoTopicCreation: false,
      createPartitioner: Partitioners.DefaultPartitioner,
    })
    this.#topic = topic
    this.#persist = persist
    this.#metrics = metrics
    this.#onSent = onSent
  }

  /** Returns once all letters are acknowledged. */
  async send(
    from: { topic: string; partition: number },
    letters: DeadLetter[],
    stillOurs: StillOurs,
  ): Promise<void> {
    for (const some of portions(letters)) {
      await this.#persist('dead letters', stillOurs, async () => {
        if (!this.#connected) await this.#producer.connect()
        this.#connected = true
        const messages = some.map(({ message, reason }) => toLetter(from, message, reason))
        await this.#producer.send({ topic: this.#topic, acks: -1, messages })
      })
      this.#metrics.deadLetters.inc({ topic: from.topic }, some.length)
      this.#onSent?.(
        from,
        some.map(({ message, reason }) => ({ offset: message.offset, reason })),
      )
    }
  }

  async close(): Promise<void> {
    await this.#producer.disconnect()
  }
}

function* portions(letters: DeadLetter[]): Generator<DeadLetter[]> {
  let some: DeadLetter[] = []
  let bytes = 0
  for (const letter of letters) {
    const size = Math.min(letter.message.value?.length ?? 0, longestValue) + 500
    if (some.length > 0 && bytes + size > bytesAtOnce) {
      yield some
      some = []
      bytes = 0
    }
    some.push(letter)
    bytes += size
  }
  if (some.length > 0) yield some
}

function toLetter(
  { topic, partition }: { topic: string; partition: number },
  { key, value, offset, timestamp }: KafkaMessage,
  reason: string,
): { key: Buffer | null; value: Buffer | null; headers: IHeaders } {
  const cut = value !== null && value.length > longestValue
  return {
    key,
    value: cut ? value.subarray(0, longestValue) : value,
    headers: {
      topic,
      partition: String(partition),
      offset,
      reason,
      timestamp,
      ...(cut ? { truncated_from_bytes: String(value.length) } : {}),
    },
  }
}
