import type { Consumer, Kafka } from 'kafkajs'
import type { Readiness } from './readiness.ts'

/** After this long without an answer from Kafka the processor is not ready. */
const silentMs = 10_000

/** After this long, though Kafka answers others, the consumer is taken for stuck. */
const stuckMs = 60_000

/**
 * Watches the consumer for signs of life: kafkajs can wait for an answer that never comes, and says nothing then.
 * Returns what ends the watch.
 */
export function watchConsumer(
  consumer: Consumer,
  { kafka, readiness, onDead }: { kafka: Kafka; readiness: Readiness; onDead: (reason: Error) => void },
): () => void {
  let lastSign = Date.now()
  let silent = false
  let asking = false
  const sign = () => {
    lastSign = Date.now()
    if (silent) readiness.well('kafka')
    silent = false
  }
  consumer.on(consumer.events.FETCH, sign)
  consumer.on(consumer.events.HEARTBEAT, sign)
  consumer.on(consumer.events.GROUP_JOIN, sign)
  const timer = setInterval(async () => {
    const silence = Date.now() - lastSign
    if (silence > silentMs) {
      silent = true
      readiness.unwell('kafka', 'no answer for more than 10 s')
    }
    if (silence < stuckMs || asking) return
    asking = true
    if ((await answers(kafka)) && Date.now() - lastSign > stuckMs) {
      onDead(new Error(`Kafka answers, but the consumer has heard nothing for ${stuckMs / 1000} s`))
    }
    asking = false
  }, 2000)
  return () => clearInterval(timer)
}

/** Whether Kafka answers a connection of its own. */
async function answers(kafka: Kafka): Promise<boolean> {
  const admin = kafka.admin({ retry: { retries: 0 } })
  try {
    await admin.connect()
    await admin.listTopics()
    return true
  } catch {
    // Kafka is away: the consumer waits for it as it should.
    return false
  } finally {
    await admin.disconnect().catch(() => undefined)
  }
}
