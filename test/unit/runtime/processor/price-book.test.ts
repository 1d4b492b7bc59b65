import test from 'ava'
import { PriceBook } from '../../../../runtime/processor/price-book.ts'

const unknown = async () => undefined

test('the price at a time is that of the newest sample not after it', (t) => {
  const book = new PriceBook(unknown)
  book.record('a', 0, { time: 30, price: 3 })
  book.record('a', 0, { time: 10, price: 1 })
  book.record('a', 0, { time: 20, price: 1 })

  t.is(book.at('a', 0, 10), 1)
  t.is(book.at('a', 0, 29), 1)
  t.is(book.at('a', 0, 30), 3)
  t.is(book.at('a', 0, 99), 3)
})

test('before the first sample that is known, its price holds', (t) => {
  const book = new PriceBook(unknown)
  book.record('a', 0, { time: 30, price: 3 })

  t.is(book.at('a', 0, 5), 3)
})

test('a GPU without a sample has no price', (t) => {
  const book = new PriceBook(unknown)
  book.record('a', 0, { time: 30, price: 3 })

  t.is(book.at('a', 1, 30), undefined)
  t.is(book.at('b', 0, 30), undefined)
})

test('usage that names no host gets the price of that index on any host', (t) => {
  const book = new PriceBook(unknown)
  book.record('a', 0, { time: 30, price: 3 })

  t.is(book.at(undefined, 0, 30), 3)
})

test('the database is asked for a GPU that another processor reads, but not for every batch', async (t) => {
  let now = 0
  let asked = 0
  const find = async () => {
    asked += 1
    return { time: asked, price: asked }
  }
  const book = new PriceBook(find, () => now)

  await book.refresh('a', 0)
  await book.refresh('a', 0)
  now = 6000
  await book.refresh('a', 0)

  t.is(asked, 2)
  t.is(book.at('a', 0, 10), 2)
})
