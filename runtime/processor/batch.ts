import type { KafkaMessage } from 'kafkajs'
import { decodeGpuSample, decodeTokenUsage, parseFields, Rejection } from '../decode.ts'
import type { Logger } from '../log.ts'
import { originOf } from '../replay.ts'
import type { DeadLetter, DeadLetters } from './dead-letters.ts'
import { DocumentBatch } from './document-batch.ts'
import { documentId, toGpuDocument, toUsageDocument } from './documents.ts'
import type { GpuBoard } from './gpu-board.ts'
import { gpuKey } from './gpu-key.ts'
import type { ProcessorMetrics } from './metrics.ts'
import type { Anonymous } from './namesakes.ts'
import { PartitionWindows, type UsageEvent } from './partition-windows.ts'
import type { Persist, StillOurs } from './persist.ts'
import type { GpuPrices, PriceBook } from './price-book.ts'
import { ReadingTurn } from './reading-turn.ts'
import { SplitGpus } from './split-gpus.ts'
import type { Store } from './store.ts'

/** Messages of one partition, in the order of their offsets. */
export interface Batch {
  topic: string
  partition: number
  messages: KafkaMessage[]
}

interface Parts {
  store: Store
  deadLetters: DeadLetters
  prices: PriceBook
  board: GpuBoard
  metrics: ProcessorMetrics
  persist: Persist
  log: Logger
  /** The topic of GPU samples; what comes from any other one is token usage. */
  sampleTopic: string
  defaultPrice: number
}

/** Turns batches of messages into documents. When `write` returns, all of the batch is safe where it belongs. */
export class BatchWriter {
  readonly #parts: Parts
  readonly #windows = new Map<string, PartitionWindows>()
  readonly #turn = new ReadingTurn()
  readonly #split: SplitGpus
  /** Partitions of which it was said that their names are taken. */
  readonly #madeAnew = new Set<string>()

  constructor(parts: Parts) {
    this.#parts = parts
    this.#split = new SplitGpus(parts.metrics, parts.log)
  }

  async write(batch: Batch, stillOurs: StillOurs): Promise<void> {
    if (batch.topic === this.#parts.sampleTopic) await this.#writeSamples(batch, stillOurs)
    else await this.#writeUsage(batch, stillOurs)
    this.#parts.metrics.batchMessages.observe(batch.messages.length)
  }

  /** Forgets what belongs to partitions that are no longer read here. */
  keepOnly(assigned: ReadonlySet<string>): void {
    this.#parts.prices.doubt()
    for (const key of this.#windows.keys()) if (!assigned.has(key)) this.#windows.delete(key)
  }

  async #writeSamples({ topic, partition, messages }: Batch, stillOurs: StillOurs): Promise<void> {
    const { prices, board, persist } = this.#parts
    const origin: KafkaMessage[] = []
    const documents = new DocumentBatch('gpu')
    const letters: DeadLetter[] = []
    const anonymous = new Map<number, Anonymous>()
    const touched = new Set<GpuPrices>()
    try {
      await this.#turn.forEach(messages, (message) => {
        const fields = parseFields(message.value)
        const sample = fields instanceof Rejection ? fields : decodeGpuSample(fields)
        if (sample instanceof Rejection) {
          letters.push({ message, reason: sample.reason })
          return
        }
        const price = { time: sample.ts.getTime(), price: sample.price_per_hour_usd }
        prices.record(sample.host, sample.gpu_index, price, touched)
        board.note(sample)
        const source = { topic, partition, offset: Number(message.offset) }
        const document = toGpuDocument(sample, source, originOf(message.headers))
        if (sample.event_id === undefined) {
          anonymous.set(documents.length, { id: document._id, message: sample })
        }
        documents.addSample(document)
        origin.push(message)
      })
      await this.#finish({ topic, partition, documents, origin, anonymous, letters }, stillOurs)
      await persist('mongodb', stillOurs, () => prices.save(touched))
    } finally {
      documents.release()
    }
  }

  async #writeUsage({ topic, partition, messages }: Batch, stillOurs: StillOurs): Promise<void> {
    const { prices, persist, defaultPrice } = this.#parts
    const origin: KafkaMessage[] = []
    const events: (UsageEvent & { offset: number })[] = []
    const letters: DeadLetter[] = []
    const anonymous = new Map<number, Anonymous>()
    const place = `${topic}:${partition}`
    const unpriced = new Map<string, { host: string | undefined; index: number }>()
    await this.#turn.forEach(messages, (message) => {
      const fields = parseFields(message.value)
      const usage = fields instanceof Rejection ? fields : decodeTokenUsage(fields)
      if (usage instanceof Rejection) {
        letters.push({ message, reason: usage.reason })
        return
      }
      const offset = Number(message.offset)
      const gpu = gpuKey(usage.host, usage.gpu_index)
      this.#split.note(gpu, place)
      if (usage.price_per_hour_usd === undefined)
        unpriced.set(gpu, { host: usage.host, index: usage.gpu_index })
      const id = documentId(usage, { topic, partition, offset }, originOf(message.headers))
      if (usage.event_id === undefined) anonymous.set(events.length, { id, message: usage })
      events.push({ id, gpu, message: usage, offset })
      origin.push(message)
    })
    for (const { host, index } of unpriced.values()) {
      await persist('mongodb', stillOurs, () => prices.refresh(host, index))
    }
    const first = Number(messages[0]?.offset)
    const next = Number(messages.at(-1)?.offset) + 1
    const windows = this.#windowsOf(topic, partition)
    const documents = new DocumentBatch('usage')
    try {
      const sums = await persist('mongodb', stillOurs, () => windows.add(events, first, next))
      await this.#turn.forEach(events, ({ id, message, offset }, place) => {
        const price =
          message.price_per_hour_usd ??
          prices.at(message.host, message.gpu_index, message.ts.getTime()) ??
          defaultPrice
        const window = sums[place] ?? { tokens: 0, spanMs: 0 }
        documents.addUsage(
          toUsageDocument(message, { id, source: { topic, partition, offset }, window, price }),
        )
      })
      await this.#finish({ topic, partition, documents, origin, anonymous, letters }, stillOurs)
      windows.settle()
    } catch (error) {
      windows.abandon()
      throw error
    } finally {
      documents.release()
    }
  }

  async #finish(
    {
      topic,
      partition,
      documents,
      origin,
      anonymous,
      letters,
    }: {
      topic: string
      partition: number
      documents: DocumentBatch
      /** The message that each document was made of. */
      origin: KafkaMessage[]
      /** The documents that are named by where their message lies. */
      anonymous: ReadonlyMap<number, Anonymous>
      letters: DeadLetter[]
    },
    stillOurs: StillOurs,
  ): Promise<void> {
    const { store, deadLetters, metrics, persist } = this.#parts
    let earlier = 0
    const { duplicates, rejected } = await persist('mongodb', stillOurs, (earlierAttempts) => {
      earlier = earlierAttempts
      return store.insert(documents)
    })
    const suspects = duplicates.flatMap((index) => anonymous.get(index) ?? [])
    const namesakes = await persist('mongodb', stillOurs, () => store.namesakes(documents.kind, suspects))
    if (namesakes.size > 0) this.#complain(topic, partition)
    for (const index of duplicates) {
      const namesake = anonymous.get(index)
      if (namesake !== undefined && namesakes.has(namesake)) {
        rejected.push({
          index,
          reason: `another message is stored as ${namesake.id}, and this one has no event_id`,
        })
      }
    }
    for (const { index, reason } of rejected) {
      const message = origin[index]
      if (message !== undefined) letters.push({ message, reason })
    }
    await deadLetters.send({ topic, partition }, letters, stillOurs)
    // After an attempt that ended unclearly, what is there already is most likely what that attempt wrote.
    const repeated = earlier === 0 ? duplicates.length - namesakes.size : 0
    metrics.events.inc({ topic, result: 'stored' }, documents.length - rejected.length - repeated)
    if (repeated > 0) metrics.events.inc({ topic, result: 'duplicate' }, repeated)
    if (letters.length > 0) metrics.events.inc({ topic, result: 'rejected' }, letters.length)
    metrics.endToEndSeconds.observeSince(documents.times)
  }

  /** Says, once a partition, why messages of it cannot be stored. */
  #complain(topic: string, partition: number): void {
    const key = `${topic}:${partition}`
    if (this.#madeAnew.has(key)) return
    this.#madeAnew.add(key)
    this.#parts.log.warn(
      { topic, partition },
      'messages without an event_id have offsets that others had before: was the topic made anew? They become dead letters',
    )
  }

  #windowsOf(topic: string, partition: number): PartitionWindows {
    const key = `${topic}:${partition}`
    let windows = this.#windows.get(key)
    if (windows === undefined) {
      windows = new PartitionWindows(({ beforeOffset, from, to }) =>
        this.#parts.store.usageBefore({ topic, partition, offset: beforeOffset }, { from, to }),
      )
      this.#windows.set(key, windows)
    }
    return windows
  }
}
