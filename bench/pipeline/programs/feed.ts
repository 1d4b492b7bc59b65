import { setTimeout as sleep } from 'node:timers/promises'
import { Kafka, logLevel, type Message, Partitioners } from 'kafkajs'
import { createStream, type StreamEvent } from '../stream.ts'

/** What the program is told, as JSON, by its only word. */
export interface FeedOrder {
  bootstrap: string
  topics: { gpu: string; token: string }
  seed: number
  messages: number
  /** The time of the first event where the stream is sent as fast as it goes. */
  startMs: number
  eventsPerSecond: number
  /** Each event is sent at its time, which is now, and one of every hundredth of a second's is named on stdout. */
  paced: boolean
}

const atOnce = 4000
const stepMs = 20

const order: FeedOrder = JSON.parse(process.argv[2] ?? '')
const producer = new Kafka({ brokers: [order.bootstrap], logLevel: logLevel.ERROR }).producer({
  createPartitioner: Partitioners.DefaultPartitioner,
  allowAutoTopicCreation: false,
})
const stream = createStream(order)

const take = (count: number): StreamEvent[] => Array.from({ length: count }, () => stream.next().value)

async function send(events: readonly StreamEvent[]): Promise<void> {
  const messages = { gpu: [] as Message[], token: [] as Message[] }
  for (const { kind, host, fields } of events) {
    messages[kind].push({ key: host, value: JSON.stringify(fields) })
  }
  await producer.sendBatch({
    acks: 1,
    topicMessages: [
      { topic: order.topics.gpu, messages: messages.gpu },
      { topic: order.topics.token, messages: messages.token },
    ],
  })
}

async function sendAll(): Promise<void> {
  let former = Promise.resolve()
  for (let left = order.messages; left > 0; left -= atOnce) {
    const events = take(Math.min(atOnce, left))
    await former
    former = send(events)
  }
  await former
}

async function sendPaced(): Promise<void> {
  const startedAt = Date.now()
  for (let sent = 0, steps = 0; sent < order.messages; steps += 1) {
    const due = Math.min(
      order.messages,
      Math.floor(((Date.now() - startedAt) * order.eventsPerSecond) / 1000),
    )
    const events = take(due - sent)
    sent = due
    const ts = new Date().toISOString()
    for (const { fields } of events) fields.ts = ts
    const last = events.at(-1)
    if (last !== undefined && steps % 5 === 0) {
      process.stdout.write(
        `${JSON.stringify({ kind: last.kind, id: last.fields.event_id, at: Date.parse(ts) })}\n`,
      )
    }
    if (events.length > 0) await send(events)
    await sleep(stepMs)
  }
}

await producer.connect()
await (order.paced ? sendPaced() : sendAll())
await producer.disconnect()
