import { type Collection, type Db, MongoClient } from 'mongodb'
import type { DocumentBatch } from './document-batch.ts'
import type { GpuDocument, Source, UsageDocument } from './documents.ts'
import { gpuKey } from './gpu-key.ts'
import type { ProcessorMetrics } from './metrics.ts'
import { type Anonymous, namesakesAmong } from './namesakes.ts'
import type { StoredUsage } from './partition-windows.ts'
import { PriceHistory } from './price-history.ts'
import { insertRaw } from './raw-insert.ts'
import { type Kind, rollupKinds } from './usage/rollup-kinds.ts'
import { type MarkDocument, RollupMarks } from './usage/rollup-marks.ts'
import { judgeWriteErrors, type Verdict, type WriteError } from './write-errors.ts'

const indexes = {
  gpu_metrics: [{ key: { ts: 1 } }, { key: { host: 1, gpu_index: 1 } }],
  token_usage: [{ key: { ts: 1 } }, { key: { model: 1 } }],
} as const

/** The database: one attempt a call, so that who calls decides how long to insist. */
export class Store {
  readonly #client: MongoClient
  readonly #sideClient: MongoClient
  readonly #metrics: ProcessorMetrics
  readonly gpuMetrics: Collection<GpuDocument>
  readonly tokenUsage: Collection<UsageDocument>
  readonly #db: Db
  /** For what is not on the way of events: it never takes a connection from those who write them. */
  readonly side: Db
  /** Which roll-ups are behind the documents that were inserted here. */
  readonly marks: RollupMarks
  readonly prices: PriceHistory

  constructor(uri: string, metrics: ProcessorMetrics) {
    this.#metrics = metrics
    const options = {
      appName: 'sluice-processor',
      serverSelectionTimeoutMS: 2000,
      connectTimeoutMS: 2000,
      // A host that went away without a word would otherwise be waited for without end.
      socketTimeoutMS: 15_000,
      // An offset is committed once its documents are acknowledged: they must then outlive a kill of mongod.
      writeConcern: { w: 'majority', journal: true },
    } as const
    this.#client = new MongoClient(uri, { ...options, maxPoolSize: 12 })
    this.#sideClient = new MongoClient(uri, { ...options, maxPoolSize: 4, socketTimeoutMS: 120_000 })
    // The URI names the database; without one in it the driver would say `test`.
    this.#db = this.#client.db(databaseOf(uri))
    this.side = this.#sideClient.db(databaseOf(uri))
    this.marks = new RollupMarks(this.#db.collection<MarkDocument>('rollup_marks'))
    this.prices = new PriceHistory(this.#db)
    this.gpuMetrics = this.#db.collection('gpu_metrics')
    this.tokenUsage = this.#db.collection('token_usage')
  }

  /** Makes sure that the database answers. To be called first: the driver connects by itself only once. */
  async ping(): Promise<void> {
    await this.#client.connect()
    await this.#sideClient.connect()
    await this.#db.command({ ping: 1 })
  }

  /** Makes the indexes that are not there. */
  async makeIndexes(): Promise<void> {
    await this.gpuMetrics.createIndexes([...indexes.gpu_metrics])
    await this.tokenUsage.createIndexes([...indexes.token_usage])
    await this.prices.makeIndex()
  }

  /** Inserts what is not there yet. Throws where the insert should be repeated. */
  async insert(batch: DocumentBatch): Promise<Omit<Verdict, 'repeat'>> {
    const { kind, length, times } = batch
    if (length === 0) return { duplicates: [], rejected: [] }
    const stopTimer = this.#metrics.writeSeconds.startTimer()
    try {
      const writeErrors = await this.marks.during(kind, times, () =>
        insertRaw(this.#db, rollupKinds[kind].documents, batch.bytes),
      )
      const { repeat, ...verdict } = judgeWriteErrors(writeErrors)
      if (repeat !== undefined) throw new Error(`MongoDB: ${repeat}`)
      this.#countTokens(batch, writeErrors)
      return verdict
    } finally {
      stopTimer()
    }
  }

  /** Those of the messages under whose name another message is stored. */
  namesakes(kind: Kind, messages: readonly Anonymous[]): Promise<Set<Anonymous>> {
    return namesakesAmong(this.#db, kind, messages)
  }

  /** The usage that was stored from before an offset of a partition, of times in [`from`, `to`). */
  async *usageBefore(
    { topic, partition, offset }: Source,
    { from, to }: { from: number; to: number },
  ): AsyncGenerator<StoredUsage> {
    const cursor = this.tokenUsage.find(
      {
        ts: { $gte: new Date(from), ...(Number.isFinite(to) ? { $lt: new Date(to) } : {}) },
        'source.topic': topic,
        'source.partition': partition,
        'source.offset': { $lt: offset },
      },
      { projection: { ts: 1, host: 1, gpu_index: 1, tokens: 1 }, hint: { ts: 1 }, batchSize: 1000 },
    )
    for await (const { _id, ts, host, gpu_index, tokens } of cursor) {
      yield { id: _id, time: ts.getTime(), gpu: gpuKey(host, gpu_index), tokens }
    }
  }

  /** The sample of each GPU that was stored last: one look at the index a GPU, however many samples there are. */
  async *lastSamples(): AsyncGenerator<GpuDocument> {
    let before: { host: string; gpu_index: number } | undefined
    while (true) {
      // Equal keys of an index lie in the order of insertion: from a GPU's end the step to the next one is one seek.
      const cursor = this.gpuMetrics
        .find({})
        .hint({ host: 1, gpu_index: 1 })
        .sort({ host: -1, gpu_index: -1 })
      if (before !== undefined) cursor.max(before)
      const [last] = await cursor.limit(1).toArray()
      if (last === undefined) return
      yield last
      before = { host: last.host, gpu_index: last.gpu_index }
    }
  }

  async close(): Promise<void> {
    await this.#client.close()
    await this.#sideClient.close()
  }

  /** Counts the tokens of what was inserted, which leaves out what an insert says it did not. */
  #countTokens({ tokens }: DocumentBatch, errors: WriteError[]): void {
    let sum = 0
    for (const each of tokens) sum += each
    for (const { index } of errors) sum -= tokens[index] ?? 0
    if (sum > 0) this.#metrics.tokens.inc(sum)
  }
}

function databaseOf(uri: string): string {
  const path = /^mongodb(?:\+srv)?:\/\/[^/]*\/([^?]*)/.exec(uri)?.[1] ?? ''
  return path === '' ? 'ca0' : decodeURIComponent(path)
}
