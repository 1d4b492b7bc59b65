import { MongoClient } from 'mongodb'
import { createStream, documentOf, type StreamOptions } from '../stream.ts'

/** What the program is told, as JSON, by its only word. */
export type InsertOrder = StreamOptions & { mongodbUri: string; documents: number }

const writers = 4
const atOnce = 1000

const order: InsertOrder = JSON.parse(process.argv[2] ?? '')
const stream = createStream(order)
const client = await MongoClient.connect(order.mongodbUri)
const collections = {
  gpu: client.db().collection('gpu_metrics'),
  token: client.db().collection('token_usage'),
}

const open: Record<keyof typeof collections, object[]> = { gpu: [], token: [] }
const batches: { kind: keyof typeof collections; documents: object[] }[] = []
for (let offset = 0; offset < order.documents; offset += 1) {
  const event = stream.next().value
  open[event.kind].push(documentOf(event, offset))
  if (open[event.kind].length === atOnce || offset >= order.documents - 2) {
    batches.push({ kind: event.kind, documents: open[event.kind] })
    open[event.kind] = []
  }
}

const usedBefore = process.cpuUsage()
const startedAt = performance.now()
let next = 0
await Promise.all(
  Array.from({ length: writers }, async () => {
    for (let batch = batches[next++]; batch !== undefined; batch = batches[next++]) {
      await collections[batch.kind].insertMany(batch.documents, { ordered: false })
    }
  }),
)
const seconds = (performance.now() - startedAt) / 1000
const { user, system } = process.cpuUsage(usedBefore)
process.stdout.write(
  `${JSON.stringify({ documents: order.documents, seconds, cpuMs: (user + system) / 1000 })}\n`,
)
await client.close()
