import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { type Document, MongoClient } from 'mongodb'
import { bundleRuntime } from '../../runtime/bundle.ts'
import { freePort } from './free-port.ts'
import { createTopics, readTopic } from './kafka-log.ts'
import { answerOf, eventually, type Program, startProgram } from './programs.ts'
import { serviceHomes } from './service-homes.ts'
import { type Services, startServices } from './services.ts'
import { type LoggedUsage, recompute } from './usage-reference.ts'

/** What all tests of a file share: the services, and the programs as they are sent to hosts. */
export interface Ground {
  services: Services
  bundles: { processor: string; producer: string }
  directory: string
  remove(): Promise<void>
}

/** Starts the services, from the artifacts that hosts get. */
export async function prepareGround(): Promise<Ground> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-runtime-'))
  const services = await startServices({
    directory: join(directory, 'services'),
    ...(await serviceHomes()),
  })
  const bundles = {
    processor: await bundleRuntime('processor', directory),
    producer: await bundleRuntime('producer', directory),
  }
  const remove = async () => {
    await services.stop()
    await rm(directory, { recursive: true, force: true })
  }
  return { services, bundles, directory, remove }
}

/** A pipeline of one test: topics, a database and a group of its own. */
export interface Pipeline {
  topics: { metric: string; token: string; other: string; deadLetters: string }
  /** The address of the processor's port. */
  url: string
  /** Starts a processor; a second one beside it needs another HTTP_PORT. */
  startProcessor(environment?: Record<string, string>): Program
  startProducer(options: { words?: string[]; environment?: Record<string, string> }): Program
  ready(): Promise<number>
  documents(collection: 'gpu_metrics' | 'token_usage'): Promise<Document[]>
}

/** Makes what one test needs, and ends its programs with the test. */
export async function layPipeline(
  t: ExecutionContext,
  { services, bundles, directory }: Ground,
): Promise<Pipeline> {
  const name = `p${Date.now()}`
  const topics = {
    metric: `${name}.gpu`,
    token: `${name}.token`,
    other: `${name}.tokens`,
    deadLetters: `${name}.dlq`,
  }
  await createTopics(services.bootstrap, [topics.metric, topics.token, topics.other], 6)
  const folder = join(directory, name)
  await mkdir(folder)
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const mongodbUri = services.mongodbUri.replace(/\/ca0$/, `/${name}`)
  const shared = {
    KAFKA_BOOTSTRAP: services.bootstrap,
    TOPIC_METRIC: topics.metric,
    TOPIC_TOKEN: topics.token,
  }
  const programs: Program[] = []
  t.teardown(async () => {
    for (const program of programs) program.kill('SIGKILL')
    await Promise.all(programs.map(({ ended }) => ended))
  })
  const start = (bundle: string, log: string, environment: Record<string, string>, words: string[] = []) => {
    const program = startProgram(bundle, { words, environment: { ...shared, ...environment }, log })
    programs.push(program)
    return program
  }
  return {
    topics,
    url,
    startProcessor: (environment = {}) =>
      start(bundles.processor, join(folder, 'processor.log'), {
        MONGODB_URI: mongodbUri,
        KAFKA_TOPIC: topics.other,
        TOPIC_DLQ: topics.deadLetters,
        CONSUMER_GROUP: name,
        HTTP_HOST: '127.0.0.1',
        HTTP_PORT: String(port),
        ...environment,
      }),
    startProducer: ({ words = [], environment = {} }) =>
      start(bundles.producer, join(folder, 'producer.log'), environment, words),
    // After a kill of Kafka its start, and the end of the sessions of members that died, come before that.
    ready: () => eventually('ready', async () => (await answerOf(`${url}/ready`))?.status === 200, 120_000),
    async documents(collection) {
      const client = await MongoClient.connect(mongodbUri)
      const found = await client.db().collection(collection).find().toArray()
      await client.close()
      return found
    },
  }
}

/** Whether each event that the log of a topic holds is one document, and how many there are. */
export async function idsInLog(bootstrap: string, topic: string): Promise<string[]> {
  const ids = (await readTopic(bootstrap, topic)).map(({ value }) => JSON.parse(value.toString()).event_id)
  return [...new Set<string>(ids)].sort()
}

/** The rate and cost of every event of a topic, by its id, computed from the log alone. */
export async function expectedCosts(
  bootstrap: string,
  topic: string,
): Promise<Map<string, { tps: number; cost_per_token: number | null }>> {
  const partitions = Map.groupBy(await readTopic(bootstrap, topic), ({ partition }) => partition)
  const expected = new Map<string, { tps: number; cost_per_token: number | null }>()
  for (const messages of partitions.values()) {
    const log = messages.map(({ value }): LoggedUsage => {
      const fields = JSON.parse(value.toString())
      return {
        id: fields.event_id,
        gpu: `${fields.host} ${fields.gpu_index}`,
        time: Date.parse(fields.ts),
        tokens: fields.prompt_tokens + fields.completion_tokens,
        price: fields.price_per_hour_usd,
      }
    })
    for (const [place, cost] of recompute(log).entries()) {
      const id = log[place]?.id ?? ''
      if (!expected.has(id)) expected.set(id, cost)
    }
  }
  return expected
}
