import { appendFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import kafkajs from 'kafkajs'

/**
 * A program of its own, without anything of the runtime: it sends a marked stream and writes down every event that
 * Kafka has acknowledged, and tells afterwards what lies in the topics.
 *
 *   send BOOTSTRAP MARKER LEDGER    until it is ended
 *   dump BOOTSTRAP TOPIC            one line of JSON a message: partition, offset, value
 */
const { Kafka, logLevel, Partitioners } = kafkajs
const [, , word, bootstrap = '', ...rest] = process.argv
const kafka = new Kafka({
  clientId: 'chaos',
  brokers: [bootstrap],
  logLevel: logLevel.NOTHING,
  connectionTimeout: 3000,
  requestTimeout: 10_000,
  retry: { retries: 3, initialRetryTime: 200 },
})

/** So many rounds, of a tenth of a second at least, samples are given to arrive. */
const samplesFirst = 200

if (word === 'send') await send(rest[0] ?? '', rest[1] ?? '')
else await dump(rest[0] ?? '')

async function send(marker: string, ledger: string): Promise<never> {
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  const began = Date.now()
  for (let number = 0; ; number++) {
    // The clocks of these hosts are wrong: up to half an hour slow, and up to a quarter of an hour fast.
    const events = [-1_800_000, -60_000, 0, 900_000].map((skewMs, index) => {
      const id = `${marker}-${began}-${String(number).padStart(8, '0')}-${index}`
      const common = {
        ts: new Date(Date.now() + skewMs).toISOString(),
        host: `skewed-${index}`,
        gpu_index: number % 2,
        run: marker,
        price_per_hour_usd: 0.85 + index,
      }
      const gpu = { name: 'chaos', utilization: 0.5, mem_used_mb: 1, mem_total_mb: 2, power_w: 3 }
      const token = {
        model: 'chaos',
        // Half of them name no price, once the samples must have told it.
        ...(number >= samplesFirst && number % 4 >= 2 ? { price_per_hour_usd: undefined } : {}),
        prompt_tokens: 100 + (number % 17),
        completion_tokens: number % 11,
        latency_ms: 5,
      }
      return { id, key: common.host, gpu: { ...common, ...gpu }, token: { ...common, ...token } }
    })
    const messages = (kind: 'gpu' | 'token') =>
      events.map(({ id, key, [kind]: fields }) => ({
        key,
        value: JSON.stringify({ ...fields, event_id: `${id}-${kind}` }),
      }))
    const topicMessages = [
      { topic: 'gpu.metrics.v1', messages: messages('gpu') },
      { topic: 'token.usage.v1', messages: messages('token') },
    ]
    for (;;) {
      try {
        await producer.connect()
        await producer.sendBatch({ acks: -1, topicMessages })
        break
      } catch {
        // The same events again, under the same ids, until they are acknowledged.
        await sleep(200)
      }
    }
    appendFileSync(ledger, events.map(({ id }) => `${id}\n`).join(''))
    await sleep(100)
  }
}

async function dump(topic: string): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  const ends = await admin.fetchTopicOffsets(topic)
  await admin.disconnect()
  const missing = new Map(
    ends.filter(({ low, high }) => high !== low).map(({ partition, high }) => [partition, Number(high)]),
  )
  const consumer = kafka.consumer({ groupId: `chaos-${Date.now()}` })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const { promise: all, resolve } = Promise.withResolvers<void>()
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch: { partition, messages } }) => {
      for (const { offset, value } of messages)
        process.stdout.write(
          `${JSON.stringify({ partition, offset: Number(offset), value: String(value) })}\n`,
        )
      const last = messages.at(-1)
      if (last !== undefined && Number(last.offset) + 1 >= (missing.get(partition) ?? 0))
        missing.delete(partition)
      if (missing.size === 0) resolve()
    },
  })
  await all
  await consumer.disconnect()
}
