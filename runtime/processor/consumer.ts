import type { Consumer, EachBatchPayload, Kafka, KafkaMessage } from 'kafkajs'
import type { Logger } from '../log.ts'
import { backoff, pause } from '../pause.ts'
import type { BatchWriter } from './batch.ts'
import type { ProcessorMetrics } from './metrics.ts'
import { Abandoned, type StillOurs } from './persist.ts'
import type { Readiness } from './readiness.ts'
import { watchConsumer } from './watch.ts'

/** Messages that are in memory as documents at once, per partition in hand: more is hardly faster. */
const messagesAtOnce = 1000

const partitionsAtOnce = 4

/** After a kill, the partitions are free again once the group has missed the member for this long: the least a broker takes. */
const sessionTimeoutMs = 6000
const heartbeatMs = 1000

interface Parts {
  kafka: Kafka
  group: string
  topics: string[]
  writer: BatchWriter
  readiness: Readiness
  metrics: ProcessorMetrics
  log: Logger
  /** Called when the consumer cannot go on by itself. */
  onDead: (reason: Error) => void
}

/** Reads the topics as a member of the group, and commits an offset once all before it is written. */
export class PartitionReader {
  readonly #parts: Parts
  readonly #consumer: Consumer
  readonly #inHand = new Map<string, Promise<void>>()
  #generation = 0
  #assigned: ReadonlySet<string> = new Set()
  #stopping = false
  #endWatch: () => void = () => undefined

  constructor(parts: Parts) {
    this.#parts = parts
    this.#consumer = parts.kafka.consumer({
      groupId: parts.group,
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: 15_000,
      heartbeatInterval: heartbeatMs,
      maxWaitTimeInMs: 250,
      // These bound the memory: what one request may bring, and what of it is of one partition.
      maxBytesPerPartition: 384 * 1024,
      maxBytes: 4 * 1024 * 1024,
      allowAutoTopicCreation: false,
      retry: { initialRetryTime: 200, maxRetryTime: 3000, retries: 5, restartOnFailure: async () => true },
    })
    this.#listen()
  }

  /** Joins the group, however long Kafka takes to be there. Ends early when the signal says so. */
  async start(signal: AbortSignal): Promise<void> {
    const { readiness, topics } = this.#parts
    const waitingTime = backoff({ initial: 200, longest: 3000 })
    while (!signal.aborted) {
      try {
        await this.#consumer.connect()
        await this.#consumer.subscribe({ topics, fromBeginning: true })
        break
      } catch (error) {
        readiness.unwell('kafka', error instanceof Error ? error.message : String(error))
        await pause(waitingTime(), signal)
      }
    }
    if (signal.aborted) return
    this.#endWatch = watchConsumer(this.#consumer, this.#parts)
    await this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: partitionsAtOnce,
      eachBatch: (payload) => this.#inTurn(payload),
    })
  }

  /** The partitions that are read here, as `topic:partition`. */
  get assigned(): ReadonlySet<string> {
    return this.#assigned
  }

  /** Lets the batches in hand end, and leaves the group. */
  async stop(): Promise<void> {
    this.#stopping = true
    this.#endWatch()
    await this.#consumer.disconnect()
  }

  #listen(): void {
    const { readiness, writer, metrics, log, onDead } = this.#parts
    const consumer = this.#consumer
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      this.#generation += 1
      const assigned = Object.entries(payload.memberAssignment).flatMap(([topic, partitions]) =>
        partitions.map((partition) => `${topic}:${partition}`),
      )
      this.#assigned = new Set(assigned)
      writer.keepOnly(this.#assigned)
      metrics.lag.reset()
      metrics.rebalances.inc()
      log.info({ partitions: assigned.length, leader: payload.isLeader }, 'joined the group')
      readiness.well('kafka')
    })
    consumer.on(consumer.events.REBALANCING, () => {
      this.#generation += 1
      readiness.unwell('kafka', 'the group is rebalancing')
    })
    consumer.on(consumer.events.DISCONNECT, () => {
      if (!this.#stopping) readiness.unwell('kafka', 'the connection is lost')
    })
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      this.#generation += 1
      readiness.unwell('kafka', payload.error.message)
      // kafkajs ends here without a word where it takes the error for final; only a restart helps then.
      if (!payload.restart) onDead(payload.error)
    })
  }

  /** After a rebalance a partition can come back while its former batch is still in hand: that one ends first. */
  async #inTurn(payload: EachBatchPayload): Promise<void> {
    const key = `${payload.batch.topic}:${payload.batch.partition}`
    await this.#inHand.get(key)?.catch(() => undefined)
    const work = this.#read(payload)
    this.#inHand.set(key, work)
    await work
  }

  async #read({
    batch,
    heartbeat,
    resolveOffset,
    commitOffsetsIfNecessary,
    isRunning,
  }: EachBatchPayload): Promise<void> {
    const { topic, partition, messages } = batch
    const { writer, metrics, log } = this.#parts
    const generation = this.#generation
    let failure: unknown
    const beat = setInterval(() => {
      heartbeat().catch((error) => {
        failure = error
      })
    }, heartbeatMs)
    const stillOurs: StillOurs = () => {
      if (failure !== undefined) throw new Abandoned('the heartbeat failed', { cause: failure })
      if (!isRunning()) throw new Abandoned('the consumer stops')
      if (generation !== this.#generation) throw new Abandoned('the group was rebalanced')
    }
    try {
      for (const chunk of chunks(messages)) {
        stillOurs()
        await writer.write({ topic, partition, messages: chunk }, stillOurs)
        const last = chunk.at(-1)?.offset ?? '0'
        resolveOffset(last)
        if (generation !== this.#generation) throw new Abandoned('the group was rebalanced')
        const offset = (BigInt(last) + 1n).toString()
        await commitOffsetsIfNecessary({ topics: [{ topic, partitions: [{ partition, offset }] }] })
        const lag = BigInt(batch.highWatermark) - BigInt(offset)
        metrics.lag.set({ topic, partition }, Number(lag < 0n ? 0n : lag))
        await heartbeat()
      }
      log.debug({ topic, partition, messages: messages.length, last: batch.lastOffset() }, 'wrote a batch')
    } catch (error) {
      if (!(error instanceof Abandoned)) throw error
      log.info({ topic, partition, why: error.message }, 'left a batch; it is read again')
      // kafkajs knows what to do with an error of its own: it joins the group anew.
      if (error.cause !== undefined) throw error.cause
    } finally {
      clearInterval(beat)
    }
  }
}

function* chunks(messages: KafkaMessage[]): Generator<KafkaMessage[]> {
  for (let from = 0; from < messages.length; from += messagesAtOnce) {
    yield messages.slice(from, from + messagesAtOnce)
  }
}
