import { setTimeout as sleep, setImmediate as soon } from 'node:timers/promises'
import test from 'ava'
import fc from 'fast-check'
import { BatchesInHand } from '../../../../runtime/processor/batches-in-hand.ts'

test('never more than so many are in hand, and of one partition one after the other', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.nat(5), fc.nat(3)), { maxLength: 40 }), async (batches) => {
      const inHand = new BatchesInHand(3)
      const partitions: string[] = []
      const begun: number[] = []
      const takes = batches.map(([partition, turns], number) =>
        inHand.take(`p${partition}`, async () => {
          t.false(partitions.includes(`p${partition}`))
          partitions.push(`p${partition}`)
          begun.push(number)
          t.true(partitions.length <= 3)
          for (let turn = 0; turn < turns; turn += 1) await soon()
          partitions.splice(partitions.indexOf(`p${partition}`), 1)
        }),
      )
      await Promise.all(takes)
      await inHand.ended()
      t.is(partitions.length, 0)
      t.is(begun.length, batches.length)
    }),
    { numRuns: 100 },
  )
})

test('taking a batch does not wait for its end', async (t) => {
  const inHand = new BatchesInHand(1)
  let ended = false
  await inHand.take('p', async () => {
    await sleep(50)
    ended = true
  })
  t.false(ended)

  await inHand.ended()
  t.true(ended)
})

test('a batch that is not begun after all takes no room', async (t) => {
  const inHand = new BatchesInHand(1)
  await inHand.take('p', () => undefined)
  let begun = false
  await inHand.take('q', async () => {
    begun = true
  })

  t.true(begun)
})

test('what a begin throws reaches who takes the batch, and takes no room', async (t) => {
  const inHand = new BatchesInHand(1)
  const refused = inHand.take('p', () => {
    throw new Error('the group was rebalanced')
  })
  await t.throwsAsync(refused, { message: 'the group was rebalanced' })

  await inHand.take('p', async () => {})
  await inHand.ended()
  t.pass()
})
