import { type Collection, type Db, MongoServerError } from 'mongodb'
import type { GpuDocument } from './documents.ts'
import type { GpuPrice, PriceChange } from './price-book.ts'

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

/** MaxTimeMSExpired. */
const exceededTimeLimit = 50

/**
 * The changes of each GPU's price, in the database: few, where samples are many. A processor that starts, or that reads
 * a GPU's usage while another one reads its samples, finds here what a token cost at any time.
 */
export class PriceHistory {
  readonly #changes: Collection<PriceDocument>
  readonly #samples: Collection<GpuDocument>

  constructor(db: Db) {
    this.#changes = db.collection('gpu_prices')
    this.#samples = db.collection('gpu_metrics')
  }

  async makeIndex(): Promise<void> {
    await this.#changes.createIndex({ gpu_index: 1, host: 1, ts: 1 })
  }

  /** The changes of a GPU, or of all GPUs with that index where no host is named. */
  async of(host: string | undefined, index: number): Promise<PriceChange[]> {
    const gpu = host === undefined ? { gpu_index: index } : { gpu_index: index, host }
    const changes = await this.#changes.find(gpu).sort({ ts: -1 }).limit(changesRead).toArray()
    const found = changes.map(({ ts, price_per_hour_usd }) => ({
      time: ts.getTime(),
      price: price_per_hour_usd,
    }))
    if (host !== undefined && found.length > 0) return found
    const sample = await this.#lastSample(host, index)
    if (sample === null) return found
    const last = { time: sample.ts.getTime(), price: sample.price_per_hour_usd }
    // Samples that were stored before there was this history begin it.
    if (host !== undefined) await this.note([{ host, index, ...last }])
    return [...found, last]
  }

  /** Notes changes; one that is there already stays as it is. */
  async note(changes: readonly GpuPrice[]): Promise<void> {
    await this.#changes.bulkWrite(
      changes.map(({ host, index, time, price }) => ({
        updateOne: {
          filter: { _id: `${host}#${index}@${time}` },
          update: {
            $setOnInsert: { host, gpu_index: index, ts: new Date(time), price_per_hour_usd: price },
          },
          upsert: true,
        },
      })),
      { ordered: false },
    )
  }

  /** The sample of a GPU (of any host, where none is named) that was stored last. */
  async #lastSample(host: string | undefined, index: number): Promise<GpuDocument | null> {
    if (host === undefined) {
      try {
        return await this.#samples.findOne({ gpu_index: index }, { sort: { ts: -1 }, maxTimeMS: 200 })
      } catch (error) {
        // No index leads to an index without a host: where there is no such sample, all would be read.
        if (error instanceof MongoServerError && error.code === exceededTimeLimit) return null
        throw error
      }
    }
    // Equal keys of an index lie in the order of insertion: read from its end, the first one is the newest.
    return this.#samples.findOne({ host, gpu_index: index }, { sort: { host: -1, gpu_index: -1 } })
  }
}
