import { type IHeaders, type Kafka, type KafkaMessage, Partitioners, type Producer } from 'kafkajs'
import { originOf, replayHeaders, replaysOf } from '../replay.ts'
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

/** What of a message's own headers is kept, so that a letter is never too large by them. */
const mostHeaderBytes = 16_000

/** Keys longer than this are cut too. */
const longestKey = 16_000

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
    const size = Math.min(letter.message.value?.length ?? 0, longestValue) + sizeBesides(letter)
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

/** What a letter has besides its value, in bytes; a little more where headers are dropped. */
const sizeBesides = ({ message: { key, headers } }: DeadLetter): number =>
  500 + Math.min(key?.length ?? 0, longestKey) + Math.min(headerBytes(headers), mostHeaderBytes)

function toLetter(
  { topic, partition }: { topic: string; partition: number },
  { key, value, headers, offset, timestamp }: KafkaMessage,
  reason: string,
): { key: Buffer | null; value: Buffer | null; headers: IHeaders } {
  const cut = value !== null && value.length > longestValue
  const keyCut = key !== null && key.length > longestKey
  return {
    key: keyCut ? key.subarray(0, longestKey) : key,
    value: cut ? value.subarray(0, longestValue) : value,
    headers: {
      topic,
      partition: String(partition),
      offset,
      reason,
      timestamp,
      ...(cut ? { truncated_from_bytes: String(value.length) } : {}),
      ...(keyCut ? { key_truncated_from_bytes: String(key.length) } : {}),
      ...headersOfItsOwn(headers),
      ...historyOf(headers),
    },
  }
}

/** Of a message that was replayed: how often, and where it lay at first. */
function historyOf(headers: IHeaders | undefined): IHeaders {
  const origin = originOf(headers)
  return origin === undefined ? {} : { origin, replays: String(replaysOf(headers)) }
}

/** The headers that a message came with, under names that no header of ours has. */
function headersOfItsOwn(headers: IHeaders | undefined): IHeaders {
  if (headerBytes(headers) > mostHeaderBytes) return { headers_dropped_bytes: String(headerBytes(headers)) }
  const ours: readonly string[] = Object.values(replayHeaders)
  const own = Object.entries(headers ?? {}).filter(([name]) => !ours.includes(name))
  return Object.fromEntries(own.map(([name, value]) => [`header.${name}`, value]))
}

function headerBytes(headers: IHeaders | undefined): number {
  let bytes = 0
  for (const [name, value] of Object.entries(headers ?? {})) {
    bytes += Buffer.byteLength(name)
    for (const each of [value].flat()) bytes += each === undefined ? 0 : Buffer.byteLength(each)
  }
  return bytes
}
