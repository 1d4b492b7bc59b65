import { type Collection, type Db, MongoServerError } from 'mongodb'
import type { GpuDocument } from './documents.ts'
import type { GpuPrice, PriceChange } from './price-book.ts'
import { Retention } from './usage/retention.ts'

interface PriceDocument {
  /** `host#index@time`, so that the same change noted twice is one. */
  _id: string
  host: string
  gpu_index: number
  ts: Date
  price_per_hour_usd: number
}

/** So many changes of one GPU are read back, the newest ones. */
const changesRead = 1024

/** So many samples are asked for at once: most often the first that is later says it. */
const samplesAtOnce = 8

/** So many samples of one GPU are looked through for the one after another that came late. */
const samplesRead = 2000

/** What takes longer is not waited for. */
const patienceMs = 200

const projection = { ts: 1, price_per_hour_usd: 1 } as const

/** MaxTimeMSExpired. */
const exceededTimeLimit = 50

/**
 * The changes of each GPU's price, in the database: few, where samples are many. A processor that starts, or that reads
 * a GPU's usage while another one reads its samples, finds here what a token cost at any time.
 */
export class PriceHistory {
  readonly #changes: Collection<PriceDocument>
  readonly #samples: Collection<GpuDocument>
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
    this.#changes = db.collection('gpu_prices')
    this.#samples = db.collection('gpu_metrics')
  }

  async makeIndex(): Promise<void> {
    await this.#changes.createIndex({ gpu_index: 1, host: 1, ts: 1 })
  }

  /** The changes of a GPU, or of all GPUs with that index where no host is named. */
  async of(host: string | undefined, index: number): Promise<PriceChange[]> {
    const changes = await this.#changes.find(gpuOf(host, index)).sort({ ts: -1 }).limit(changesRead).toArray()
    const found = changes.map(toChange)
    if (host !== undefined && found.length > 0) return found
    const sample = await this.#lastSample(host, index)
    if (sample === null) return found
    const last = toChange(sample)
    // Samples that were stored before there was this history begin it.
    if (host !== undefined) await this.note([{ host, index, ...last }])
    return [...found, last]
  }

  /** Notes changes; one that is there already stays as it is, unless its price is lower. */
  async note(changes: readonly GpuPrice[]): Promise<void> {
    await this.#changes.bulkWrite(
      changes.map(({ host, index, time, price }) => ({
        updateOne: {
          filter: { _id: `${host}#${index}@${time}` },
          update: {
            $setOnInsert: { host, gpu_index: index, ts: new Date(time) },
            // Of several samples of one time, in whatever order they come.
            $max: { price_per_hour_usd: price },
          },
          upsert: true,
        },
      })),
      { ordered: false },
    )
  }

  /** The latest time that a sample of the GPU is of; `undefined` where there is none, or too many of others. */
  async newest(host: string | undefined, index: number): Promise<number | undefined> {
    const latest = { projection, sort: { ts: -1 }, hint: { ts: 1 }, maxTimeMS: patienceMs } as const
    const found = await this.#unlessTooLong(() => this.#samples.findOne(gpuOf(host, index), latest))
    return found?.ts.getTime()
  }

  /**
   * Some samples from a time on, in the order of their time, and whether there are more; `undefined` where the retention
   * may have deleted some.
   */
  async samplesFrom(
    host: string | undefined,
    index: number,
    time: number,
  ): Promise<{ samples: PriceChange[]; more: boolean } | undefined> {
    const keptFrom = (await Retention.keptFrom(this.#db)) ?? Number.NEGATIVE_INFINITY
    if (time < keptFrom) return undefined
    const order = { projection, hint: { ts: 1 }, sort: { ts: 1 }, maxTimeMS: patienceMs } as const
    const found = await this.#unlessTooLong(() =>
      this.#samples
        .find({ ts: { $gte: new Date(time) }, ...gpuOf(host, index) }, { ...order, limit: samplesAtOnce })
        .toArray(),
    )
    if (found !== undefined) return { samples: found.map(toChange), more: found.length === samplesAtOnce }
    return host === undefined ? undefined : this.#amongTheLast(host, index, time)
  }

  /** What was stored last, in the order of time: the clock of a GPU whose last samples are that old is slow. */
  async #amongTheLast(
    host: string,
    index: number,
    time: number,
  ): Promise<{ samples: PriceChange[]; more: boolean }> {
    // Equal keys of an index lie in the order of insertion.
    const order = { projection, sort: { host: -1, gpu_index: -1 }, limit: samplesRead } as const
    const found = await this.#samples.find({ host, gpu_index: index }, order).toArray()
    const samples = found.map(toChange).filter((sample) => sample.time >= time)
    return { samples: samples.sort((one, other) => one.time - other.time), more: false }
  }

  /** No index leads to the samples of one GPU by time: where others have many in between, too much would be read. */
  async #unlessTooLong<Result>(read: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await read()
    } catch (error) {
      if (error instanceof MongoServerError && error.code === exceededTimeLimit) return undefined
      throw error
    }
  }

  /** The sample of a GPU (of any host, where none is named) that was stored last. */
  async #lastSample(host: string | undefined, index: number): Promise<GpuDocument | null> {
    if (host === undefined) {
      const newest = { sort: { ts: -1 }, maxTimeMS: patienceMs } as const
      const found = await this.#unlessTooLong(() => this.#samples.findOne({ gpu_index: index }, newest))
      return found ?? null
    }
    // Equal keys of an index lie in the order of insertion: read from its end, the first one is the newest.
    return this.#samples.findOne({ host, gpu_index: index }, { sort: { host: -1, gpu_index: -1 } })
  }
}

const gpuOf = (host: string | undefined, index: number) =>
  host === undefined ? { gpu_index: index } : { gpu_index: index, host }

const toChange = ({
  ts,
  price_per_hour_usd,
}: Pick<PriceDocument, 'ts' | 'price_per_hour_usd'>): PriceChange => ({
  time: ts.getTime(),
  price: price_per_hour_usd,
})
