import { Kafka, logLevel, Partitioners } from 'kafkajs'

/** A message as it lies in a topic. */
export interface Logged {
  partition: number
  offset: number
  value: Buffer
  headers: Record<string, string>
}

/** How long a busy broker may take to make topics: kafkajs lets it have 5 s. */
const patienceMs = 120_000

const clientOf = (bootstrap: string, requestTimeout?: number) =>
  new Kafka({
    brokers: [bootstrap],
    logLevel: logLevel.NOTHING,
    retry: { retries: 20, maxRetryTime: 1000 },
    ...(requestTimeout !== undefined && { requestTimeout }),
  })

/** Makes topics and waits until they can be written to. */
export async function createTopics(bootstrap: string, topics: string[], partitions: number): Promise<void> {
  // The broker answers when its own time for it is over.
  const admin = clientOf(bootstrap, 2 * patienceMs).admin()
  await admin.connect()
  await admin.createTopics({
    waitForLeaders: true,
    timeout: patienceMs,
    topics: topics.map((topic) => ({ topic, numPartitions: partitions })),
  })
  await admin.disconnect()
}

/** Sends values to one partition, in their order. */
export async function sendTo(
  bootstrap: string,
  { topic, partition, values }: { topic: string; partition: number; values: (Buffer | string | null)[] },
): Promise<void> {
  const producer = clientOf(bootstrap).producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  await producer.send({ topic, acks: -1, messages: values.map((value) => ({ value, partition })) })
  await producer.disconnect()
}

/** Everything that lies in a topic, by partition and offset. */
export async function readTopic(bootstrap: string, topic: string): Promise<Logged[]> {
  const kafka = clientOf(bootstrap)
  const admin = kafka.admin()
  await admin.connect()
  const ends = await admin.fetchTopicOffsets(topic)
  await admin.disconnect()
  const missing = new Map(
    ends.filter(({ low, high }) => high !== low).map(({ partition, high }) => [partition, Number(high)]),
  )
  if (missing.size === 0) return []
  // By its place: a reader that had to join its group again reads from the beginning again.
  const found = new Map<string, Logged>()
  const consumer = kafka.consumer({ groupId: `reader-${Date.now()}-${Math.random()}` })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await new Promise<void>((resolve, reject) => {
    consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
      if (!restart) reject(error)
    })
    const run = consumer.run({
      autoCommit: false,
      eachMessage: async ({ partition, message }) => {
        const headers = Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)])
        const offset = Number(message.offset)
        const value = message.value ?? Buffer.alloc(0)
        const logged = { partition, offset, value, headers: Object.fromEntries(headers) }
        found.set(`${partition}:${offset}`, logged)
        if (offset + 1 >= (missing.get(partition) ?? 0)) missing.delete(partition)
        if (missing.size === 0) resolve()
      },
    })
    run.catch(reject)
  }).finally(() => consumer.disconnect())
  return [...found.values()].sort((a, b) => a.partition - b.partition || a.offset - b.offset)
}
