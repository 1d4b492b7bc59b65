import test from 'ava'
import fc from 'fast-check'
import {
  type GpuPrice,
  type GpuPrices,
  PriceBook,
  type StoredPrices,
} from '../../../../runtime/processor/price-book.ts'

/** More than there are of one time below. */
const atOnce = 8

/** A database of prices and samples, in memory, which can be too slow to tell the newest sample. */
function storage(slow = false): StoredPrices & { changes: GpuPrice[]; samples: GpuPrice[] } {
  const changes: GpuPrice[] = []
  const samples: GpuPrice[] = []
  const among = (some: GpuPrice[], host: string | undefined, index: number) =>
    some.filter((each) => (host === undefined || each.host === host) && each.index === index)
  return {
    changes,
    samples,
    of: async (host, index) => among(changes, host, index),
    note: async (more) => {
      for (const change of more) {
        const there = changes.find(
          ({ host, index, time }) => host === change.host && index === change.index && time === change.time,
        )
        if (there === undefined) changes.push({ ...change })
        else there.price = Math.max(there.price, change.price)
      }
    },
    newest: async (host, index) => {
      const times = among(samples, host, index).map(({ time }) => time)
      return slow || times.length === 0 ? undefined : Math.max(...times)
    },
    samplesFrom: async (host, index, from) => {
      const later = among(samples, host, index).filter(({ time }) => time >= from)
      const some = later.toSorted((one, other) => one.time - other.time).slice(0, atOnce)
      return { samples: some, more: some.length === atOnce }
    },
  }
}

/** What the processor does with a batch of samples. */
async function take(book: PriceBook, stored: { samples: GpuPrice[] }, batch: GpuPrice[]): Promise<void> {
  const touched = new Set<GpuPrices>()
  for (const { host, index, time, price } of batch) book.record(host, index, { time, price }, touched)
  stored.samples.push(...batch)
  await book.save(touched)
}

const of = (host: string, ...samples: [time: number, price: number][]): GpuPrice[] =>
  samples.map(([time, price]) => ({ host, index: 0, time, price }))

/** The rule, word by word. */
function expected(samples: GpuPrice[], time: number): number | undefined {
  const notAfter = samples.filter((sample) => sample.time <= time).map((sample) => sample.time)
  const at = notAfter.length > 0 ? Math.max(...notAfter) : Math.min(...samples.map((each) => each.time))
  const prices = samples.filter((sample) => sample.time === at).map(({ price }) => price)
  return prices.length === 0 ? undefined : Math.max(...prices)
}

test('the price at a time is that of the newest sample not after it', async (t) => {
  const stored = storage()
  const book = new PriceBook(stored)
  await take(book, stored, of('a', [30, 3], [10, 1], [20, 1]))

  t.is(book.at('a', 0, 10), 1)
  t.is(book.at('a', 0, 29), 1)
  t.is(book.at('a', 0, 30), 3)
  t.is(book.at('a', 0, 99), 3)
})

test('a sample that comes late changes the price up to the next sample, also where that was no change', async (t) => {
  const stored = storage()
  const book = new PriceBook(stored)
  await take(book, stored, of('a', [0, 1], [100, 2], [120, 2]))
  await take(book, stored, of('a', [110, 1]))
  const later = new PriceBook(stored)
  await later.refresh('a', 0)

  for (const each of [book, later]) {
    t.is(each.at('a', 0, 105), 2)
    t.is(each.at('a', 0, 115), 1)
    t.is(each.at('a', 0, 125), 2)
  }
})

test('before the first sample that is known, its price holds', async (t) => {
  const stored = storage()
  const book = new PriceBook(stored)
  await take(book, stored, of('a', [30, 3]))

  t.is(book.at('a', 0, 5), 3)
})

test('a GPU without a sample has no price', async (t) => {
  const stored = storage()
  const book = new PriceBook(stored)
  await take(book, stored, of('a', [30, 3]))

  t.is(book.at('a', 1, 30), undefined)
  t.is(book.at('b', 0, 30), undefined)
})

test('the newest sample of a GPU has its price at once, without a look at the database', async (t) => {
  const stored = storage()
  const book = new PriceBook(stored)
  await take(book, stored, of('a', [30, 3]))
  stored.newest = () => Promise.reject(new Error('asked'))
  const { samplesFrom } = stored
  stored.samplesFrom = () => Promise.reject(new Error('asked'))

  const touched = new Set<GpuPrices>()
  book.record('a', 0, { time: 40, price: 4 }, touched)
  t.is(book.at('a', 0, 40), 4)
  await book.save(touched)
  stored.samples.push(...of('a', [40, 4]))
  stored.samplesFrom = samplesFrom
  await take(book, stored, of('a', [50, 5], [45, 4], [60, 6]))
  t.is(book.at('a', 0, 60), 6)
})

test('usage that names no host gets the price of that index on any host', async (t) => {
  const stored = storage()
  const book = new PriceBook(stored)
  await book.refresh(undefined, 0)
  await take(book, stored, of('a', [30, 3]))

  t.is(book.at(undefined, 0, 30), 3)
})

test('the database is asked for a GPU that another processor reads, but not for every batch', async (t) => {
  let now = 0
  let asked = 0
  const changesOf = async () => {
    asked += 1
    return [{ time: asked, price: asked }]
  }
  const book = new PriceBook({ ...storage(), of: changesOf }, () => now)

  await book.refresh('a', 0)
  await book.refresh('a', 0)
  now = 6000
  await book.refresh('a', 0)

  t.is(asked, 2)
  t.is(book.at('a', 0, 10), 2)
})

test('only changes of a price are stored, and none again after a start', async (t) => {
  const stored = storage()
  for (const samples of [of('a', [1, 5], [2, 5]), of('a', [3, 5], [4, 5])]) {
    const book = new PriceBook(stored)
    await take(book, stored, samples)
    await take(book, stored, [])
  }

  t.deepEqual(stored.changes, [{ host: 'a', index: 0, time: 1, price: 5 }])
})

test('changes that could not be stored are stored the next time', async (t) => {
  const stored = storage()
  const { note } = stored
  stored.note = async () => {
    throw new Error('no primary')
  }
  const touched = new Set<GpuPrices>()
  const book = new PriceBook(stored)
  book.record('a', 0, { time: 1, price: 5 }, touched)
  stored.samples.push(...of('a', [1, 5]))
  await t.throwsAsync(() => book.save(touched), { message: 'no primary' })
  stored.note = note

  await book.save(touched)
  const later = new PriceBook(stored)
  await take(later, stored, of('a', [1, 5], [9, 6]))

  t.deepEqual(
    stored.changes.map(({ time, price }) => [time, price]),
    [
      [1, 5],
      [9, 6],
    ],
  )
})

test('whatever the order of samples, and wherever it is cut by a start, a rebalance or a replay, the prices are by the rule', async (t) => {
  const sample = fc.record({
    host: fc.constantFrom('a', 'b'),
    index: fc.constant(0),
    time: fc.nat(40),
    price: fc.constantFrom(1, 2, 3),
  })
  const step = fc.record({
    batch: fc.array(sample, { maxLength: 6 }),
    after: fc.constantFrom('go on', 'go on', 'start', 'rebalance', 'replay', 'crash'),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), fc.boolean(), async (log, slow) => {
      const stored = storage(slow)
      let book = new PriceBook(stored)
      for (const { batch, after } of log) {
        if (after === 'crash') {
          // The samples are stored and not committed: they come again.
          stored.samples.push(...batch)
          book = new PriceBook(stored)
        }
        await take(book, stored, batch)
        if (after === 'start') book = new PriceBook(stored)
        if (after === 'rebalance') book.doubt()
        if (after === 'replay') await take(book, stored, batch)
      }

      const again = new PriceBook(stored)
      for (const each of [book, again]) {
        for (const host of ['a', 'b']) {
          await each.refresh(host, 0)
          const ofHost = stored.samples.filter((one) => one.host === host)
          for (let time = -1; time <= 41; time += 1) {
            if (each.at(host, 0, time) !== expected(ofHost, time)) return false
          }
        }
      }
      return true
    }),
    { numRuns: 300 },
  )
  t.pass()
})

test('of several hosts, usage that names none gets the price of the newest sample', async (t) => {
  const sample = fc.record({
    host: fc.constantFrom('a', 'b'),
    index: fc.constant(0),
    time: fc.nat(40),
    price: fc.constantFrom(1, 2, 3),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(sample, { maxLength: 6 }), { maxLength: 12 }), async (log) => {
      const stored = storage()
      const book = new PriceBook(stored)
      await book.refresh(undefined, 0)
      for (const batch of log) await take(book, stored, batch)

      for (let time = 0; time <= 41; time += 1) {
        if (book.at(undefined, 0, time) !== expected(stored.samples, time)) return false
      }
      return true
    }),
    { numRuns: 200 },
  )
  t.pass()
})
