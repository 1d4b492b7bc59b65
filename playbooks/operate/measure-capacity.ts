import { setTimeout as sleep } from 'node:timers/promises'
import type { Admin, Kafka } from 'kafkajs'
import type {
  CapacityControls,
  CapacityWishes,
  Measured,
  PipelineAccess,
} from '../../engine/cli/pipeline-controls.ts'
import { SluiceError } from '../../engine/errors.ts'
import { serviceAddress } from '../../roles/layout.ts'
import { withKafka } from '../verify/kafka.ts'
import { withDatabase } from '../verify/mongodb.ts'
import { answerOf } from '../verify/processor.ts'
import { capacityOf } from './capacity.ts'
import { type Member, withBrokers, withMembers } from './members.ts'
import { growth, parseMetrics, quantile, type Samples } from './metrics-text.ts'

/** Measures a running pipeline, and says what its load takes. */
export const capacityControls: CapacityControls = {
  report: async (access, wishes, signal) => capacityOf(await measure(access, wishes, signal), wishes),
}

/** What stands in Kafka at one moment. */
interface Log {
  at: number
  /** Messages that ever arrived. */
  arrived: number
  lag: number
  partitions: number
  /** Partitions of which the group has ever committed an offset. */
  committed: number
}

async function measure(
  access: PipelineAccess,
  { seconds, topics, group }: CapacityWishes,
  signal: AbortSignal,
): Promise<Measured> {
  return withBrokers(access, (brokers) =>
    withMembers(access, 'processor', (processors) =>
      withMembers(access, 'mongodb', (databases) =>
        withKafka(brokers, async (kafka) => {
          const look = async () => {
            const [log, samples, writes] = await Promise.all([
              readLog(kafka, topics, group),
              Promise.all(processors.map(readMetrics)),
              Promise.all(databases.map(readWrites)),
            ])
            return { log, samples, writes: writes.reduce((sum, each) => sum + each, 0) }
          }
          const before = await look()
          await sleep(seconds * 1000, undefined, { signal })
          const after = await look()
          return compared(before, after)
        }),
      ),
    ),
  )
}

interface Look {
  log: Log
  samples: Samples[]
  writes: number
}

function compared(before: Look, after: Look): Measured {
  const seconds = (after.log.at - before.log.at) / 1000
  const both = after.samples.map((samples, index) => [before.samples[index] ?? new Map(), samples] as const)
  const sum = (name: string, label?: string): number =>
    both.reduce((total, [earlier, later]) => total + growth(name, earlier, later, label), 0)
  const slowest = both.flatMap(
    ([earlier, later]) => quantile('sluice_processor_write_duration_seconds', 0.95, earlier, later) ?? [],
  )
  return {
    seconds,
    arriving: (after.log.arrived - before.log.arrived) / seconds,
    processed: sum('sluice_processor_events_total') / seconds,
    lag: after.log.lag,
    partitions: after.log.partitions,
    processors: both.length,
    cpuSeconds: both.map(([earlier, later]) => growth('process_cpu_seconds_total', earlier, later)),
    writeSeconds: sum('sluice_processor_write_duration_seconds_sum'),
    inserted: sum('sluice_processor_events_total', 'result="stored"'),
    writes: after.writes - before.writes,
    writeP95: slowest.length === 0 ? undefined : Math.max(...slowest),
  }
}

async function readLog(kafka: Kafka, topics: readonly string[], group: string): Promise<Log> {
  const admin = kafka.admin()
  try {
    await admin.connect()
    const there = await admin.listTopics()
    const missing = topics.filter((topic) => !there.includes(topic))
    if (missing.length > 0) {
      throw new SluiceError('PIPELINE_UNREACHABLE', {
        subject: `Kafka has no topic ${missing.join(', ')}`,
        advice: 'name the topics that the processors read: --topics',
      })
    }
    const logs = await Promise.all(topics.map((topic) => readTopic(admin, topic, group)))
    const sum = (of: (log: Omit<Log, 'at'>) => number) => logs.reduce((total, log) => total + of(log), 0)
    const log = {
      at: performance.now(),
      arrived: sum(({ arrived }) => arrived),
      lag: sum(({ lag }) => lag),
      partitions: sum(({ partitions }) => partitions),
      committed: sum(({ committed }) => committed),
    }
    if (log.arrived === 0 || log.committed > 0) return log
    throw new SluiceError('PIPELINE_UNREACHABLE', {
      subject: `nobody of the group ${group} has ever stored anything of ${topics.join(', ')}`,
      advice:
        'name the consumer group of the processors: --group; where it is theirs, sluice verify-e2e says which link is broken',
    })
  } finally {
    await admin.disconnect()
  }
}

async function readTopic(admin: Admin, topic: string, groupId: string): Promise<Omit<Log, 'at'>> {
  const ends = await admin.fetchTopicOffsets(topic)
  const [committed] = await admin.fetchOffsets({ groupId, topics: [topic] })
  const offsets = new Map(committed?.partitions.map(({ partition, offset }) => [partition, Number(offset)]))
  const lags = ends.map(({ partition, low, high }) =>
    Math.max(0, Number(high) - Math.max(offsets.get(partition) ?? -1, Number(low))),
  )
  return {
    arrived: ends.reduce((sum, { high }) => sum + Number(high), 0),
    lag: lags.reduce((sum, each) => sum + each, 0),
    partitions: ends.length,
    committed: [...offsets.values()].filter((offset) => offset >= 0).length,
  }
}

async function readMetrics({ host, connection, expected }: Member): Promise<Samples> {
  const place = { address: serviceAddress(host), port: expected.processorPort }
  const { status, body } = await answerOf(connection, place, '/metrics')
  if (status === 200) return parseMetrics(body)
  throw new SluiceError('PIPELINE_UNREACHABLE', {
    subject: `/metrics of the processor on ${host.name} answers ${status}`,
    advice: 'sluice verify-e2e says which link is broken',
  })
}

/** Documents that a mongod has ever inserted, changed and deleted. */
function readWrites({ host, connection, expected }: Member): Promise<number> {
  const { mongodbPort: port, database } = expected
  return withDatabase(connection, { address: serviceAddress(host), port, database }, async (db) => {
    const { metrics } = await db.admin().serverStatus()
    const { inserted, updated, deleted } = metrics.document
    return Number(inserted) + Number(updated) + Number(deleted)
  })
}
