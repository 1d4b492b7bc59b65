import type { Kafka } from 'kafkajs'
import type { Logger } from '../log.ts'
import { backoff, pause } from '../pause.ts'
import { reasonOf } from '../reason.ts'
import type { Readiness } from './readiness.ts'

/** Letters stay until somebody has looked at them; what the broker deletes by itself, nobody may have seen. */
const configEntries = [{ name: 'retention.ms', value: '-1' }]

/**
 * Waits until Kafka has the topics that are read, and makes the one for dead letters if nobody did: without it
 * one bad message would stop its partition.
 */
export async function awaitTopics(
  kafka: Kafka,
  { topics, deadLetterTopic }: { topics: string[]; deadLetterTopic: string },
  { readiness, log, signal }: { readiness: Readiness; log: Logger; signal: AbortSignal },
): Promise<void> {
  const waitingTime = backoff({ initial: 200, longest: 3000 })
  const admin = kafka.admin()
  while (!signal.aborted) {
    try {
      await admin.connect()
      const there = await admin.listTopics()
      if (!there.includes(deadLetterTopic)) {
        await admin.createTopics({
          topics: [{ topic: deadLetterTopic, numPartitions: 3, replicationFactor: -1, configEntries }],
        })
        log.info({ topic: deadLetterTopic }, 'made the topic for dead letters')
      }
      const missing = topics.filter((topic) => !there.includes(topic))
      if (missing.length === 0) break
      readiness.unwell('kafka', `waiting for the topics ${missing.join(', ')} to be made`)
    } catch (error) {
      readiness.unwell('kafka', reasonOf(error))
    }
    await pause(waitingTime(), signal)
  }
  await admin.disconnect()
}
