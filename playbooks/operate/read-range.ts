import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Kafka, KafkaMessage } from 'kafkajs'

/** Offsets of a partition, the last one included. */
export interface Range {
  first: number
  last: number
}

/** Without a message for this long, reading has failed. */
const patienceMs = 30_000

/** What a topic holds, by partition, without those that hold nothing; `undefined` where there is no such topic. */
export async function rangesOf(kafka: Kafka, topic: string): Promise<Map<number, Range> | undefined> {
  const admin = kafka.admin()
  try {
    await admin.connect()
    if (!(await admin.listTopics()).includes(topic)) return undefined
    const offsets = await admin.fetchTopicOffsets(topic)
    const held = offsets.filter(({ low, high }) => Number(high) > Number(low))
    return new Map(
      held.map(({ partition, low, high }) => [partition, { first: Number(low), last: Number(high) - 1 }]),
    )
  } finally {
    await admin.disconnect()
  }
}

/** Reads ranges of a topic; messages of a partition come in their order. No offset is committed. */
export async function readRanges(
  kafka: Kafka,
  { topic, ranges }: { topic: string; ranges: ReadonlyMap<number, Range> },
  onMessage: (partition: number, message: KafkaMessage) => void,
): Promise<void> {
  if (ranges.size === 0) return
  const groupId = `sluice-reader-${randomBytes(6).toString('hex')}`
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 250, retry: { retries: 8 } })
  const missing = new Map(ranges)
  const done = Promise.withResolvers<void>()
  let heardAt = Date.now()
  consumer.on(consumer.events.CRASH, ({ payload }) => done.reject(payload.error))
  try {
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch: { partition, messages } }) => {
        heardAt = Date.now()
        const range = missing.get(partition)
        if (range === undefined) return
        for (const message of messages) {
          const offset = Number(message.offset)
          if (offset >= range.first && offset <= range.last) onMessage(partition, message)
          if (offset >= range.last) {
            missing.delete(partition)
            break
          }
        }
        if (missing.size === 0) done.resolve()
      },
    })
    for (const [partition, { first }] of ranges) consumer.seek({ topic, partition, offset: String(first) })
    const silence = new AbortController()
    const watched = watchSilence(() => Date.now() - heardAt, topic, silence.signal)
    await Promise.race([done.promise, watched]).finally(() => silence.abort())
  } finally {
    await consumer.disconnect()
    await forgetGroup(kafka, groupId)
  }
}

async function watchSilence(silentMs: () => number, topic: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    if (silentMs() > patienceMs) throw new Error(`${topic} gave nothing for ${patienceMs / 1000} s`)
    await sleep(500, undefined, { signal }).catch(() => undefined)
  }
}

/** Reading needs a group; nobody is to find it afterwards. */
async function forgetGroup(kafka: Kafka, groupId: string): Promise<void> {
  const admin = kafka.admin()
  try {
    await admin.connect()
    await admin.deleteGroups([groupId])
  } catch {
    // A group without offsets is forgotten by the broker itself.
  } finally {
    await admin.disconnect()
  }
}
