import type { Kafka } from 'kafkajs'
import type { Logger } from '../log.ts'
import { pause } from '../pause.ts'
import type { ProcessorMetrics } from './metrics.ts'

const everyMs = 10_000

/**
 * Measures the lag of the partitions that are read here, and how much the dead-letter topic holds, until the signal says
 * stop. What the consumer itself knows of
 * it stands still while MongoDB is away, which is when the lag grows.
 */
export async function watchLag(
  kafka: Kafka,
  {
    group,
    topics,
    deadLetterTopic,
    assigned,
  }: {
    group: string
    topics: string[]
    deadLetterTopic: string
    assigned: () => ReadonlySet<string>
  },
  { metrics, log, signal }: { metrics: ProcessorMetrics; log: Logger; signal: AbortSignal },
): Promise<void> {
  const admin = kafka.admin({ retry: { retries: 1 } })
  let connected = false
  while (!signal.aborted) {
    await pause(everyMs, signal)
    if (signal.aborted) break
    try {
      if (!connected) await admin.connect()
      connected = true
      for (const topic of topics) {
        const [committed] = await admin.fetchOffsets({ groupId: group, topics: [topic] })
        const offsets = new Map(
          committed?.partitions.map(({ partition, offset }) => [partition, Number(offset)]),
        )
        for (const { partition, low, high } of await admin.fetchTopicOffsets(topic)) {
          if (!assigned().has(`${topic}:${partition}`)) continue
          // Without a committed offset the partition is read from its beginning.
          const next = Math.max(offsets.get(partition) ?? -1, Number(low))
          metrics.lag.set({ topic, partition }, Math.max(0, Number(high) - next))
        }
      }
      const held = await admin.fetchTopicOffsets(deadLetterTopic)
      metrics.deadLettersHeld.set(
        { topic: deadLetterTopic },
        held.reduce((sum, { low, high }) => sum + Number(high) - Number(low), 0),
      )
    } catch (error) {
      log.debug({ err: error }, 'the lag could not be measured')
    }
  }
  await admin.disconnect()
}
