import { setImmediate as soon } from 'node:timers/promises'
import test from 'ava'
import { ReadingTurn } from '../../../../runtime/processor/reading-turn.ts'

const numbers = (count: number) => Array.from({ length: count }, (_, number) => number)

test('batches are read one after the other, each in its order', async (t) => {
  const turn = new ReadingTurn()
  const read: string[] = []
  await Promise.all(
    ['a', 'b', 'c'].map((name) =>
      turn.forEach(numbers(500), (item, place) => read.push(`${name}${item}${place}`)),
    ),
  )

  t.deepEqual(
    read,
    ['a', 'b', 'c'].flatMap((name) => numbers(500).map((number) => `${name}${number}${number}`)),
  )
})

test('the event loop turns while a long batch is read', async (t) => {
  const turn = new ReadingTurn()
  let read = 0
  const reading = turn.forEach(numbers(10_000), () => {
    read += 1
  })
  await soon()
  t.true(read < 10_000)

  await reading
  t.is(read, 10_000)
})

test('a batch that fails lets the next one be read', async (t) => {
  const turn = new ReadingTurn()
  const failing = turn.forEach([1], () => {
    throw new Error('unreadable')
  })
  let read = 0
  const following = turn.forEach([1, 2], () => {
    read += 1
  })

  await t.throwsAsync(failing, { message: 'unreadable' })
  await following
  t.is(read, 2)
})
