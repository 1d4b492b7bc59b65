import { Kafka, logLevel } from 'kafkajs'

/** What the program is told, as JSON, by its only word. */
export interface ReadOrder {
  bootstrap: string
  group: string
  topics: string[]
  messages: number
}

const order: ReadOrder = JSON.parse(process.argv[2] ?? '')
const consumer = new Kafka({ brokers: [order.bootstrap], logLevel: logLevel.ERROR }).consumer({
  groupId: order.group,
  maxBytesPerPartition: 1024 * 1024,
})
let read = 0
let startedAt = 0
let usedBefore = process.cpuUsage()
const done = Promise.withResolvers<void>()
await consumer.connect()
await consumer.subscribe({ topics: order.topics, fromBeginning: true })
await consumer.run({
  autoCommit: false,
  partitionsConsumedConcurrently: 4,
  eachBatch: async ({ batch }) => {
    if (read === 0) {
      startedAt = performance.now()
      usedBefore = process.cpuUsage()
    }
    for (const { value } of batch.messages) {
      if (value !== null && typeof JSON.parse(value.toString()) === 'object') read += 1
    }
    if (read >= order.messages) done.resolve()
  },
})
await done.promise
const seconds = (performance.now() - startedAt) / 1000
const { user, system } = process.cpuUsage(usedBefore)
process.stdout.write(`${JSON.stringify({ documents: read, seconds, cpuMs: (user + system) / 1000 })}\n`)
await consumer.disconnect()
