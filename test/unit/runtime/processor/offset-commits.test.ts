import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import type { TopicPartitionOffset } from 'kafkajs'
import pino from 'pino'
import { OffsetCommits } from '../../../../runtime/processor/offset-commits.ts'
import { eventually } from '../../../support/programs.ts'

const at = (partition: number, offset: number) => ({ topic: 't', partition, offset: String(offset) })

/** Commits that end when they are told to. */
function commits() {
  const asked: { offsets: TopicPartitionOffset[]; end: PromiseWithResolvers<void> }[] = []
  const commit = (offsets: TopicPartitionOffset[]) => {
    const end = Promise.withResolvers<void>()
    asked.push({ offsets, end })
    return end.promise
  }
  return { asked, offsets: new OffsetCommits({ commit, log: pino({ enabled: false }) }) }
}

const asking = (asked: readonly unknown[], times: number) =>
  eventually(`${times} commits`, async () => asked.length === times, 10_000)

test('the newest offsets of all partitions are committed at once', async (t) => {
  const { asked, offsets } = commits()
  offsets.note(at(0, 5))
  offsets.note(at(1, 7))
  offsets.note(at(0, 9))

  await asking(asked, 1)

  t.deepEqual(asked[0]?.offsets, [at(0, 9), at(1, 7)])
})

test('what is noted during a commit is committed after it, one commit at a time', async (t) => {
  const { asked, offsets } = commits()
  offsets.note(at(0, 1))
  await asking(asked, 1)
  offsets.note(at(0, 2))
  await sleep(250)
  t.is(asked.length, 1)
  asked[0]?.end.resolve()

  await asking(asked, 2)

  t.deepEqual(asked[1]?.offsets, [at(0, 2)])
})

test('a commit that fails is repeated, with what came since', async (t) => {
  const { asked, offsets } = commits()
  offsets.note(at(0, 1))
  offsets.note(at(1, 1))
  await asking(asked, 1)
  offsets.note(at(1, 2))
  asked[0]?.end.reject(new Error('no coordinator'))

  await asking(asked, 2)

  t.deepEqual(asked[1]?.offsets, [at(0, 1), at(1, 2)])
})

test('after a rebalance nothing of before is committed, also not what failed', async (t) => {
  const { asked, offsets } = commits()
  offsets.note(at(0, 1))
  await asking(asked, 1)
  offsets.forget()
  offsets.note(at(2, 3))
  asked[0]?.end.reject(new Error('rebalance in progress'))

  await asking(asked, 2)

  t.deepEqual(asked[1]?.offsets, [at(2, 3)])
})

test('at the end what waits is committed, after what is under way', async (t) => {
  const { asked, offsets } = commits()
  offsets.note(at(0, 1))
  await asking(asked, 1)
  offsets.note(at(0, 2))
  const closed = offsets.close()
  asked[0]?.end.resolve()
  await asking(asked, 2)
  asked[1]?.end.resolve()

  await closed

  t.deepEqual(asked[1]?.offsets, [at(0, 2)])
})

test('the end does not wait for a Kafka that is away', async (t) => {
  const { asked, offsets } = commits()
  offsets.note(at(0, 1))

  const ended = await Promise.race([offsets.close().then(() => 'closed'), sleep(20_000, 'still waiting')])

  t.is(ended, 'closed')
  t.is(asked.length, 1)
})
