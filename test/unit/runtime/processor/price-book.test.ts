import test from 'ava'
import fc from 'fast-check'
import { type GpuPrice, PriceBook, type StoredPrices } from '../../../../runtime/processor/price-book.ts'

/** A database of prices, in memory. */
function storage(): StoredPrices & { changes: GpuPrice[] } {
  const changes: GpuPrice[] = []
  return {
    changes,
    of: async (host, index) =>
      changes.filter((change) => (host === undefined || change.host === host) && change.index === index),
    note: async (more) => {
      changes.push(...more)
    },
  }
}

test('the price at a time is that of the newest sample not after it', (t) => {
  const book = new PriceBook(storage())
  book.record('a', 0, 30, 3)
  book.record('a', 0, 10, 1)
  book.record('a', 0, 20, 1)

  t.is(book.at('a', 0, 10), 1)
  t.is(book.at('a', 0, 29), 1)
  t.is(book.at('a', 0, 30), 3)
  t.is(book.at('a', 0, 99), 3)
})

test('before the first sample that is known, its price holds', (t) => {
  const book = new PriceBook(storage())
  book.record('a', 0, 30, 3)

  t.is(book.at('a', 0, 5), 3)
})

test('a GPU without a sample has no price', (t) => {
  const book = new PriceBook(storage())
  book.record('a', 0, 30, 3)

  t.is(book.at('a', 1, 30), undefined)
  t.is(book.at('b', 0, 30), undefined)
})

test('usage that names no host gets the price of that index on any host', async (t) => {
  const book = new PriceBook(storage())
  await book.refresh(undefined, 0)
  book.record('a', 0, 30, 3)

  t.is(book.at(undefined, 0, 30), 3)
})

test('the database is asked for a GPU that another processor reads, but not for every batch', async (t) => {
  let now = 0
  let asked = 0
  const of = async () => {
    asked += 1
    return [{ time: asked, price: asked }]
  }
  const book = new PriceBook({ ...storage(), of }, () => now)

  await book.refresh('a', 0)
  await book.refresh('a', 0)
  now = 6000
  await book.refresh('a', 0)

  t.is(asked, 2)
  t.is(book.at('a', 0, 10), 2)
})

test('only changes of a price are stored, and none again after a start', async (t) => {
  const stored = storage()
  for (const times of [
    [1, 2],
    [3, 4],
  ]) {
    const book = new PriceBook(stored)
    for (const time of times) book.record('a', 0, time, 5)
    await book.save()
    await book.save()
  }

  t.deepEqual(stored.changes, [{ host: 'a', index: 0, time: 1, price: 5 }])
})

test('changes that could not be stored are stored the next time', async (t) => {
  const stored = storage()
  const book = new PriceBook({
    ...stored,
    note: async () => {
      throw new Error('no primary')
    },
  })
  book.record('a', 0, 1, 5)
  await t.throwsAsync(() => book.save(), { message: 'no primary' })

  const later = new PriceBook(stored)
  later.record('a', 0, 1, 5)
  later.record('a', 0, 9, 6)
  await later.save()

  t.deepEqual(
    stored.changes.map(({ time, price }) => [time, price]),
    [
      [1, 5],
      [9, 6],
    ],
  )
})

test('wherever a log of samples is cut by a start, the prices are those of one that was not', async (t) => {
  const sample = fc.record({
    host: fc.constantFrom('a', 'b'),
    time: fc.nat(40),
    price: fc.constantFrom(1, 2, 3),
    starts: fc.boolean(),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(sample, { maxLength: 60 }), async (log) => {
      const whole = new PriceBook(storage())
      const stored = storage()
      let cut = new PriceBook(stored)
      for (const { host, time, price, starts } of log) {
        whole.record(host, 0, time, price)
        cut.record(host, 0, time, price)
        await cut.save()
        if (starts) cut = new PriceBook(stored)
      }

      for (const host of ['a', 'b']) {
        await cut.refresh(host, 0)
        for (let time = 0; time <= 41; time += 1) t.is(cut.at(host, 0, time), whole.at(host, 0, time))
      }
    }),
  )
})
