import { gpuKey } from './partition-windows.ts'

/** How many changes of its price are kept of each GPU. */
const changesKept = 64

/** How long a price that only the database knows, because another processor reads that GPU's samples, is believed. */
const believedMs = 5000

interface Prices {
  /** Changes of the price, in the order of their time. */
  changes: { time: number; price: number }[]
  refreshedAt: number
}

/** Finds the newest sample of a GPU in the database. */
export type FindPrice = (
  host: string | undefined,
  index: number,
) => Promise<{ time: number; price: number } | undefined>

/**
 * The price of each GPU over time. The price at a time is that of the newest sample not after it, and where all samples
 * known are after it, that of the first of them.
 */
export class PriceBook {
  readonly #gpus = new Map<string, Prices>()
  readonly #find: FindPrice
  readonly #now: () => number

  constructor(find: FindPrice, now: () => number = Date.now) {
    this.#find = find
    this.#now = now
  }

  /** Takes note of a sample. A usage message that names no host gets the price of that index on any host. */
  record(host: string, index: number, sample: { time: number; price: number }): void {
    for (const key of [gpuKey(host, index), gpuKey(undefined, index)]) {
      const prices = this.#prices(key)
      prices.refreshedAt = this.#now()
      note(prices.changes, sample)
    }
  }

  /** Asks the database for the GPU, unless a sample was seen or asked for just now. */
  async refresh(host: string | undefined, index: number): Promise<void> {
    const prices = this.#prices(gpuKey(host, index))
    if (this.#now() - prices.refreshedAt < believedMs) return
    const found = await this.#find(host, index)
    prices.refreshedAt = this.#now()
    if (found !== undefined) note(prices.changes, found)
  }

  /** The price of a GPU at a time, if any sample of it is known. */
  at(host: string | undefined, index: number, time: number): number | undefined {
    const changes = this.#gpus.get(gpuKey(host, index))?.changes
    const change = changes?.findLast((each) => each.time <= time) ?? changes?.[0]
    return change?.price
  }

  #prices(key: string): Prices {
    let prices = this.#gpus.get(key)
    if (prices === undefined) {
      prices = { changes: [], refreshedAt: Number.NEGATIVE_INFINITY }
      this.#gpus.set(key, prices)
    }
    return prices
  }
}

function note(changes: Prices['changes'], sample: { time: number; price: number }): void {
  const before = changes.findLastIndex(({ time }) => time <= sample.time)
  if (changes[before]?.price === sample.price) return
  const after = changes[before + 1]
  if (after?.price === sample.price) after.time = sample.time
  else changes.splice(before + 1, 0, { ...sample })
  if (changes.length > changesKept) changes.shift()
}
