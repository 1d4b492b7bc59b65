import { gpuKey } from './gpu-key.ts'

/** How many changes of its price are kept of each GPU. */
const changesKept = 1024

/** How long a price that only the database knows, because another processor reads that GPU's samples, is believed. */
const believedMs = 5000

/** From `time` on (in milliseconds since 1970), `price` in USD an hour. A sample says it of its own time. */
export interface PriceChange {
  time: number
  price: number
}

export interface GpuPrice extends PriceChange {
  host: string
  index: number
}

/** Where prices outlive this program. */
export interface StoredPrices {
  /** The changes of a GPU, in any order; of that index on any host, where none is named. */
  of(host: string | undefined, index: number): Promise<PriceChange[]>
  note(changes: readonly GpuPrice[]): Promise<void>
  /** The latest time that a sample of the GPU is of; `undefined` where that is not known. */
  newest(host: string | undefined, index: number): Promise<number | undefined>
  /**
   * Some samples from a time on, in the order of their time, and whether there are more; `undefined` where it is not
   * known which there were.
   */
  samplesFrom(
    host: string | undefined,
    index: number,
    time: number,
  ): Promise<{ samples: PriceChange[]; more: boolean } | undefined>
}

/** What is known of the price of one GPU, or of all with that index. */
export interface GpuPrices {
  readonly host: string | undefined
  readonly index: number
  /** Changes of the price, in the order of their time. */
  changes: PriceChange[]
  /** Whether what was stored before is among the changes. */
  isKnown: boolean
  /** No sample has a later time; infinite where that is not known. */
  newest: number
  /** When a sample was recorded or the database was asked. */
  refreshedAt: number
  /** Samples whose place among the others is not known yet. */
  pending: PriceChange[]
  /** What of the changes is not stored yet, in the order it came. */
  fresh: PriceChange[]
  /** Whoever asks the database waits for who did before. */
  turn: Promise<unknown>
}

/**
 * The price of each GPU over time. The price at a time is that of the newest sample not after it (of several of one time
 * the highest), and where all samples are after it, that of the first of them: it depends on which samples there are,
 * not on their order. Changes are stored, so that usage which comes late or again costs the same after a start or a
 * rebalance. How far a price held is not: of a sample that comes late the samples say it that are stored.
 */
export class PriceBook {
  readonly #gpus = new Map<string, GpuPrices>()
  readonly #stored: StoredPrices
  readonly #now: () => number

  constructor(stored: StoredPrices, now: () => number = Date.now) {
    this.#stored = stored
    this.#now = now
  }

  /**
   * Takes note of a sample. Usage that names no host gets the price of that index on any host.
   *
   * @param touched takes what is to be saved once the sample is stored
   */
  record(host: string, index: number, { time, price }: PriceChange, touched: Set<GpuPrices>): void {
    const prices = this.#prices(host, index)
    prices.refreshedAt = this.#now()
    if (take(prices, time, price)) touched.add(prices)
    // Of several hosts the prices alternate: that is kept only once somebody asked for it.
    const any = this.#gpus.get(gpuKey(undefined, index))
    if (any === undefined) return
    any.refreshedAt = prices.refreshedAt
    if (take(any, time, price)) touched.add(any)
  }

  /** Stores what the recorded samples change: to be called once these are stored, and before they are committed. */
  async save(touched: ReadonlySet<GpuPrices>): Promise<void> {
    for (const prices of touched) await inTurn(prices, () => this.#settle(prices))
  }

  /** Asks the database for the GPU, unless all is known and a sample was seen or asked for just now. */
  async refresh(host: string | undefined, index: number): Promise<void> {
    const prices = this.#prices(host, index)
    if (prices.isKnown && this.#now() - prices.refreshedAt < believedMs) return
    await inTurn(prices, () => this.#know(prices))
    prices.refreshedAt = this.#now()
  }

  /** What another processor of the group stored since is asked for before it is relied on. */
  doubt(): void {
    for (const prices of this.#gpus.values()) {
      prices.isKnown = false
      prices.newest = Number.POSITIVE_INFINITY
      // Their batch is not committed: they come again, here or elsewhere.
      prices.pending = []
    }
  }

  /** The price of a GPU at a time, if any sample of it is known. */
  at(host: string | undefined, index: number, time: number): number | undefined {
    const changes = this.#gpus.get(gpuKey(host, index))?.changes ?? []
    return changes[Math.max(0, placeBefore(changes, time))]?.price
  }

  async #settle(prices: GpuPrices): Promise<void> {
    if (!prices.isKnown) await this.#know(prices)
    const { host, index } = prices
    while (prices.pending[0] !== undefined) {
      await this.#place(prices, prices.pending[0])
      prices.pending.shift()
    }
    if (prices.newest === Number.POSITIVE_INFINITY) {
      prices.newest = (await this.#stored.newest(host, index)) ?? Number.POSITIVE_INFINITY
    }
    const changes = [...prices.fresh]
    if (changes.length === 0) return
    if (host !== undefined) await this.#stored.note(changes.map((change) => ({ host, index, ...change })))
    prices.fresh.splice(0, changes.length)
  }

  /** Enters a sample that may be older than others: its price ends where a later sample has another one. */
  async #place(prices: GpuPrices, sample: PriceChange): Promise<void> {
    const { time, price } = sample
    const before = priceAt(prices, time)
    if (before === price) return
    const stored = this.#samplesFrom(prices, time)
    let { value: next } = await stored.next()
    // Of what held from then on nothing can be told any more.
    if (next === 'unknown') return
    if (next?.time === time) {
      if (next.price > price) return
      next = (await stored.next()).value
    }
    if (!enter(prices, sample)) return
    let last = sample
    while (next !== undefined && next !== 'unknown') {
      // From the next change on, and from a sample on whose price held here before, all is as it should be.
      if (prices.changes[placeBefore(prices.changes, next.time)] !== last) return
      if (next.price !== last.price) {
        enter(prices, next)
        last = next
      }
      if (next.price === before) return
      next = (await stored.next()).value
    }
  }

  /** The stored samples from a time on, of several of one time the one that counts. */
  async *#samplesFrom(
    { host, index }: GpuPrices,
    time: number,
  ): AsyncGenerator<PriceChange | 'unknown', undefined> {
    for (let from = time; ; ) {
      const found = await this.#stored.samplesFrom(host, index, from)
      if (found === undefined) yield 'unknown'
      const times = [...Map.groupBy(found?.samples ?? [], (sample) => sample.time)]
      // The last time may have samples that are not among these.
      if (found?.more === true && times.length > 1) times.pop()
      for (const [at, some] of times) yield { time: at, price: Math.max(...some.map(({ price }) => price)) }
      if (found?.more !== true) return undefined
      from = (times.at(-1)?.[0] ?? from) + 1
    }
  }

  async #know(prices: GpuPrices): Promise<void> {
    const stored = await this.#stored.of(prices.host, prices.index)
    prices.changes = stored.toSorted(byTime)
    prices.isKnown = true
    const unsaved = prices.fresh
    prices.fresh = []
    for (const change of unsaved) if (priceAt(prices, change.time) !== change.price) enter(prices, change)
  }

  #prices(host: string | undefined, index: number): GpuPrices {
    const key = gpuKey(host, index)
    let prices = this.#gpus.get(key)
    if (prices === undefined) {
      prices = {
        host,
        index,
        changes: [],
        isKnown: false,
        newest: Number.POSITIVE_INFINITY,
        refreshedAt: Number.NEGATIVE_INFINITY,
        pending: [],
        fresh: [],
        turn: Promise.resolve(),
      }
      this.#gpus.set(key, prices)
    }
    return prices
  }
}

const byTime = (one: PriceChange, other: PriceChange): number =>
  one.time - other.time || one.price - other.price

/** Takes a sample at once where it is the newest; says whether there is something to save. */
function take(prices: GpuPrices, time: number, price: number): boolean {
  if (time > prices.newest) {
    prices.newest = time
    return priceAt(prices, time) !== price && enter(prices, { time, price })
  }
  if (prices.isKnown && priceAt(prices, time) === price) return false
  prices.pending.push({ time, price })
  return true
}

/** The price that the changes say of a time; `undefined` before the first of them. */
const priceAt = ({ changes }: GpuPrices, time: number): number | undefined =>
  changes[placeBefore(changes, time)]?.price

/** Adds a change in its place, unless there is one of that time with a higher price; says whether it did. */
function enter(prices: GpuPrices, change: PriceChange): boolean {
  const { changes, fresh } = prices
  const before = placeBefore(changes, change.time)
  const there = changes[before]
  if (there?.time === change.time) {
    if (there.price >= change.price) return false
    changes[before] = change
  } else {
    changes.splice(before + 1, 0, change)
    if (changes.length > changesKept) changes.shift()
  }
  fresh.push(change)
  return true
}

/** The place of the last change that is not after the time, or -1; most often it is the last of all. */
function placeBefore(changes: readonly PriceChange[], time: number): number {
  let place = changes.length - 1
  while (place >= 0 && (changes[place]?.time ?? 0) > time) place -= 1
  return place
}

/** Lets work on a GPU's prices begin when what came before has ended. */
function inTurn<Result>(prices: GpuPrices, work: () => Promise<Result>): Promise<Result> {
  const result = prices.turn.then(work)
  prices.turn = result.catch(() => undefined)
  return result
}
