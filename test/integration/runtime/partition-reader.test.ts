import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { Kafka, logLevel } from 'kafkajs'
import { pino } from 'pino'
import type { Batch } from '../../../runtime/processor/batch.ts'
import { PartitionReader } from '../../../runtime/processor/consumer.ts'
import { ProcessorMetrics } from '../../../runtime/processor/metrics.ts'
import { Readiness } from '../../../runtime/processor/readiness.ts'
import { createTopics, sendTo } from '../../support/kafka-log.ts'
import { type Ground, prepareGround } from '../../support/pipeline.ts'
import { eventually } from '../../support/programs.ts'

let ground: Ground

test.before(async () => {
  ground = await prepareGround()
})

test.after.always(async () => {
  await ground?.remove()
})

const partitions = 3
const messagesOfEach = 6000

/** Offsets that were committed, by partition; -1 where nothing was. */
async function committed(kafka: Kafka, group: string, topic: string): Promise<number[]> {
  const admin = kafka.admin()
  await admin.connect()
  const [found] = await admin.fetchOffsets({ groupId: group, topics: [topic] })
  await admin.disconnect()
  return (found?.partitions ?? [])
    .toSorted((one, other) => one.partition - other.partition)
    .map(({ offset }) => Number(offset))
}

test('nothing is committed past a write that failed: it is read again, and what follows it too', async (t) => {
  const { bootstrap } = ground.services
  const topic = `reader${Date.now()}`
  const kafka = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING })
  await createTopics(bootstrap, [topic], partitions)
  for (let partition = 0; partition < partitions; partition += 1) {
    // Small batches in the log, and long values: the reader then gets a partition in many pieces.
    for (let sent = 0; sent < messagesOfEach; sent += 500) {
      const values = Array.from({ length: 500 }, (_, place) => `${sent + place}`.padEnd(500, '.'))
      await sendTo(bootstrap, { topic, partition, values })
    }
  }
  /** The offset up to which each partition is written without a gap. */
  const written = Array.from({ length: partitions }, () => 0)
  const gaps: string[] = []
  let writes = 0
  let failures = 0
  const writer = {
    keepOnly() {},
    async write({ partition, messages }: Batch) {
      writes += 1
      const first = Number(messages[0]?.offset)
      await sleep(writes % 4)
      if (writes % 5 === 3 && failures < 6) {
        failures += 1
        throw new Error('the database is not itself')
      }
      const upTo = written[partition] ?? 0
      if (first > upTo) gaps.push(`partition ${partition}: ${first} written after ${upTo}`)
      written[partition] = Math.max(upTo, Number(messages.at(-1)?.offset) + 1)
    },
  }
  const log = pino({ level: 'silent' })
  const metrics = new ProcessorMetrics()
  const reader = new PartitionReader({
    ...{ kafka, group: topic, topics: [topic], writer, metrics, log },
    readiness: new Readiness(log, metrics),
    onDead: (error) => t.fail(error.message),
  })
  const stop = new AbortController()
  await reader.start(stop.signal)
  const all = Array.from({ length: partitions }, () => messagesOfEach)
  await eventually('all committed', async () => {
    const offsets = await committed(kafka, topic, topic)
    for (const [partition, offset] of offsets.entries()) t.true(offset <= (written[partition] ?? 0))
    return offsets.length === partitions && offsets.every((offset) => offset === messagesOfEach)
  })
  await reader.stop()

  t.deepEqual(written, all)
  t.deepEqual(gaps, [])
  t.is(failures, 6)
})
