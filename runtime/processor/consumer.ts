import type { Consumer, EachBatchPayload, Kafka, KafkaMessage } from 'kafkajs'
import type { Logger } from '../log.ts'
import { backoff, pause } from '../pause.ts'
import { reasonOf } from '../reason.ts'
import type { BatchWriter } from './batch.ts'
import type { ProcessorMetrics } from './metrics.ts'
import { OffsetCommits } from './offset-commits.ts'
import { Abandoned, type StillOurs } from './persist.ts'
import type { Readiness } from './readiness.ts'
import { watchConsumer } from './watch.ts'

/** Messages that become one insert: more is hardly faster. */
const messagesAtOnce = 2000

/** Batches, each of another partition, that are written at the same time. */
const batchesAtOnce = 4

/** After a kill, the partitions are free again once the group has missed the member for this long: the least a broker takes. */
const sessionTimeoutMs = 6000
const heartbeatMs = 1000

interface Parts {
  kafka: Kafka
  group: string
  topics: string[]
  writer: Pick<BatchWriter, 'write' | 'keepOnly'>
  readiness: Readiness
  metrics: ProcessorMetrics
  log: Logger
  /** Called when the consumer cannot go on by itself. */
  onDead: (reason: Error) => void
}

/** Reads the topics as a member of the group, and has an offset committed once all before it is written. */
export class PartitionReader {
  readonly #parts: Parts
  readonly #consumer: Consumer
  readonly #commits: OffsetCommits
  readonly #inHand = new Map<string, Promise<void>>()
  /** Partitions of which the last batch was not all that Kafka had. */
  readonly #behind = new Set<string>()
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
    this.#commits = new OffsetCommits({
      commit: (offsets) => this.#consumer.commitOffsets(offsets),
      log: parts.log,
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
        readiness.unwell('kafka', reasonOf(error))
        await pause(waitingTime(), signal)
      }
    }
    if (signal.aborted) return
    this.#endWatch = watchConsumer(this.#consumer, this.#parts)
    await this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: batchesAtOnce,
      eachBatch: (payload) => this.#take(payload),
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
    await Promise.all(this.#inHand.values())
    await this.#commits.close()
    await this.#consumer.disconnect()
  }

  #listen(): void {
    const { readiness, writer, metrics, log, onDead } = this.#parts
    const consumer = this.#consumer
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      this.#beginAnew()
      const assigned = Object.entries(payload.memberAssignment).flatMap(([topic, partitions]) =>
        partitions.map((partition) => `${topic}:${partition}`),
      )
      this.#assigned = new Set(assigned)
      this.#behind.clear()
      writer.keepOnly(this.#assigned)
      metrics.lag.reset()
      metrics.rebalances.inc()
      log.info({ partitions: assigned.length, leader: payload.isLeader }, 'joined the group')
      readiness.well('kafka')
    })
    consumer.on(consumer.events.REBALANCING, () => {
      this.#beginAnew()
      readiness.unwell('kafka', 'the group is rebalancing')
    })
    consumer.on(consumer.events.DISCONNECT, () => {
      if (!this.#stopping) readiness.unwell('kafka', 'the connection is lost')
    })
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      this.#beginAnew()
      readiness.unwell('kafka', payload.error.message)
      // kafkajs ends here without a word where it takes the error for final; only a restart helps then.
      if (!payload.restart) onDead(payload.error)
    })
  }

  /** What is in hand may be another's from now on, or come again. */
  #beginAnew(): void {
    this.#generation += 1
    this.#commits.forget()
  }

  /**
   * Takes a batch in hand, and returns when it is worth while to fetch: kafkajs does so once all batches of before are
   * returned from. The batch's own partition is paused until it is done with, and then fetched from where that ended.
   */
  async #take(payload: EachBatchPayload): Promise<void> {
    const { batch, heartbeat, isRunning } = payload
    const partition = `${batch.topic}:${batch.partition}`
    const generation = this.#generation
    // Where kafkajs began anew it knows nothing of the pause: the former batch of the partition ends first.
    while (this.#inHand.has(partition) || this.#inHand.size >= batchesAtOnce) await this.#anyEnds(heartbeat)
    const resume = payload.pause()
    // A partition that is left here at a stop stays paused: it would be fetched over and over.
    if (this.#stopping) return
    if (!isRunning() || generation !== this.#generation) return resume()
    if (batch.offsetLag() === '0') this.#behind.delete(partition)
    else this.#behind.add(partition)
    const work = this.#write(payload, generation).finally(() => {
      this.#inHand.delete(partition)
      resume()
    })
    this.#inHand.set(partition, work)
    while (this.#inHand.get(partition) === work && !this.#isMoreToFetch()) await this.#anyEnds(heartbeat)
  }

  /** Where there was less in Kafka when it was last asked, a fetch would wait for events while the ones at hand end. */
  #isMoreToFetch(): boolean {
    return [...this.#behind].some((partition) => !this.#inHand.has(partition))
  }

  /** Waits until a batch in hand is done with, and stays a member of the group meanwhile. */
  async #anyEnds(heartbeat: () => Promise<void>): Promise<void> {
    const over = new AbortController()
    await Promise.race([...this.#inHand.values(), pause(heartbeatMs, over.signal)])
    over.abort()
    await heartbeat()
  }

  /** Writes a batch, as far as that goes; the rest is fetched again. */
  async #write(payload: EachBatchPayload, generation: number): Promise<void> {
    const { batch, resolveOffset, isRunning } = payload
    const { topic, partition, messages } = batch
    const { writer, metrics, log } = this.#parts
    const stillOurs: StillOurs = () => {
      if (this.#stopping || !isRunning()) throw new Abandoned('the consumer stops')
      if (generation !== this.#generation) throw new Abandoned('the group was rebalanced')
    }
    try {
      for (const chunk of chunks(messages)) {
        stillOurs()
        await writer.write({ topic, partition, messages: chunk }, stillOurs)
        if (generation !== this.#generation) throw new Abandoned('the group was rebalanced')
        const last = chunk.at(-1)?.offset ?? '0'
        const offset = (BigInt(last) + 1n).toString()
        this.#commits.note({ topic, partition, offset })
        resolveOffset(last)
        const lag = BigInt(batch.highWatermark) - BigInt(offset)
        metrics.lag.set({ topic, partition }, Number(lag < 0n ? 0n : lag))
      }
      log.debug({ topic, partition, messages: messages.length, last: batch.lastOffset() }, 'wrote a batch')
    } catch (error) {
      const why = reasonOf(error)
      if (error instanceof Abandoned) log.info({ topic, partition, why }, 'left a batch; it is read again')
      else log.warn({ topic, partition, err: error }, 'a batch failed; it is read again')
      if (!(error instanceof Abandoned)) await pause(heartbeatMs)
    }
  }
}

function* chunks(messages: KafkaMessage[]): Generator<KafkaMessage[]> {
  for (let from = 0; from < messages.length; from += messagesAtOnce) {
    yield messages.slice(from, from + messagesAtOnce)
  }
}
