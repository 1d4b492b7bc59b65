import { gpuKey } from './gpu-key.ts'

/** How many changes of its price are kept of each GPU. */
const changesKept = 1024

/** How long a price that only the database knows, because another processor reads that GPU's samples, is believed. */
const believedMs = 5000

/** From `time` on (in milliseconds since 1970), `price` in USD an hour. */
export interface PriceChange {
  time: number
  price: number
}

export interface GpuPrice extends PriceChange {
  host: string
  index: number
}

/** Where the changes of prices outlive this program. */
export interface StoredPrices {
  /** The changes of a GPU, in any order; of that index on any host, where none is named. */
  of(host: string | undefined, index: number): Promise<PriceChange[]>
  note(changes: readonly GpuPrice[]): Promise<void>
}

interface Prices {
  /** Changes of the price, in the order of their time. */
  changes: PriceChange[]
  /** Whether what was stored before is among the changes. */
  isKnown: boolean
  /** When a sample was recorded or the database was asked. */
  refreshedAt: number
  /** What of the changes is not stored yet, in the order it came. */
  fresh: Set<GpuPrice>
}

/**
 * The price of each GPU over time. The price at a time is that of the newest sample not after it, and where all samples
 * known are after it, that of the first of them. Changes are stored, so that usage which comes late or again costs the
 * same after a start or a rebalance.
 */
export class PriceBook {
  readonly #gpus = new Map<string, Prices>()
  readonly #stored: StoredPrices
  readonly #now: () => number
  /** The GPUs of which something is fresh. */
  readonly #unsaved = new Set<Prices>()

  constructor(stored: StoredPrices, now: () => number = Date.now) {
    this.#stored = stored
    this.#now = now
  }

  /** Takes note of a sample. Usage that names no host gets the price of that index on any host. */
  record(host: string, index: number, time: number, price: number): void {
    const prices = this.#prices(gpuKey(host, index))
    prices.refreshedAt = this.#now()
    if (note(prices.changes, time, price)) {
      prices.fresh.add({ host, index, time, price })
      this.#unsaved.add(prices)
    }
    // Of several hosts the prices alternate: that is kept only once somebody asked for it.
    const any = this.#gpus.get(gpuKey(undefined, index))
    if (any !== undefined) {
      any.refreshedAt = prices.refreshedAt
      note(any.changes, time, price)
    }
  }

  /** Stores the changes among the recorded samples: to be called before these are committed. */
  async save(): Promise<void> {
    for (const prices of this.#unsaved) {
      const [first] = prices.fresh
      // After a start, the first sample of a GPU only looks like a change.
      if (first !== undefined && !prices.isKnown) await this.#know(prices, first.host, first.index)
      const changes = [...prices.fresh]
      if (changes.length > 0) await this.#stored.note(changes)
      for (const change of changes) prices.fresh.delete(change)
      if (prices.fresh.size === 0) this.#unsaved.delete(prices)
    }
  }

  /** Asks the database for the GPU, unless all is known and a sample was seen or asked for just now. */
  async refresh(host: string | undefined, index: number): Promise<void> {
    const prices = this.#prices(gpuKey(host, index))
    if (prices.isKnown && this.#now() - prices.refreshedAt < believedMs) return
    await this.#know(prices, host, index)
    prices.refreshedAt = this.#now()
  }

  /** What another processor of the group stored since is asked for before it is relied on. */
  doubt(): void {
    for (const prices of this.#gpus.values()) prices.isKnown = false
  }

  /** The price of a GPU at a time, if any sample of it is known. */
  at(host: string | undefined, index: number, time: number): number | undefined {
    const changes = this.#gpus.get(gpuKey(host, index))?.changes ?? []
    return changes[Math.max(0, placeBefore(changes, time))]?.price
  }

  async #know(prices: Prices, host: string | undefined, index: number): Promise<void> {
    const stored = await this.#stored.of(host, index)
    prices.changes = stored.toSorted((one, other) => one.time - other.time)
    prices.isKnown = true
    for (const change of prices.fresh) {
      if (!note(prices.changes, change.time, change.price)) prices.fresh.delete(change)
    }
  }

  #prices(key: string): Prices {
    let prices = this.#gpus.get(key)
    if (prices === undefined) {
      prices = { changes: [], isKnown: false, refreshedAt: Number.NEGATIVE_INFINITY, fresh: new Set() }
      this.#gpus.set(key, prices)
    }
    return prices
  }
}

/** Adds a change in its place, unless the price is what it was; says whether it is one. */
function note(changes: PriceChange[], time: number, price: number): boolean {
  const before = placeBefore(changes, time)
  if (changes[before]?.price === price) return false
  changes.splice(before + 1, 0, { time, price })
  if (changes.length > changesKept) changes.shift()
  return true
}

/** The place of the last change that is not after the time, or -1; most often it is the last of all. */
function placeBefore(changes: PriceChange[], time: number): number {
  let place = changes.length - 1
  while (place >= 0 && (changes[place]?.time ?? 0) > time) place -= 1
  return place
}
