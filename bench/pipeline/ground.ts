import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MongoClient } from 'mongodb'
import { bundleRuntime } from '../../runtime/bundle.ts'
import { freePort } from '../../test/support/free-port.ts'
import { createTopics } from '../../test/support/kafka-log.ts'
import { serviceHomes } from '../../test/support/service-homes.ts'
import { type Services, startServices } from '../../test/support/services.ts'

export const partitions = 12

/** What all trials share: the services, and a place on disk. */
export interface Ground {
  services: Services
  directory: string
  /** Our processor, as it is sent to hosts. */
  bundle: string
  remove(): Promise<void>
}

export interface Topics {
  gpu: string
  token: string
}

/** What one contender gets in one run: a database, a group and a port of its own. */
export interface Trial {
  bootstrap: string
  mongodbUri: string
  client: MongoClient
  database: string
  topics: Topics
  group: string
  httpPort: number
  directory: string
  remove(): Promise<void>
}

/** Starts Kafka, ZooKeeper and mongod on loopback, from the files that hosts get. */
export async function prepareGround(): Promise<Ground> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-bench-pipeline-'))
  const services = await startServices({
    directory: join(directory, 'services'),
    ...(await serviceHomes()),
    kafkaHeap: '768m',
  })
  const bundle = await bundleRuntime('processor', directory)
  const remove = async () => {
    await services.stop()
    await rm(directory, { recursive: true, force: true })
  }
  return { services, directory, bundle, remove }
}

/** Makes the topics of a stream. */
export async function makeTopics({ services }: Ground, name: string): Promise<Topics> {
  const topics = { gpu: `${name}.gpu.metrics.v1`, token: `${name}.token.usage.v1` }
  await createTopics(services.bootstrap, [topics.gpu, topics.token, `${name}.tokens`], partitions)
  return topics
}

export async function prepareTrial(
  { services: { bootstrap, mongodbUri }, directory: parent }: Ground,
  topics: Topics,
): Promise<Trial> {
  const database = `trial-${randomUUID().slice(0, 8)}`
  const directory = join(parent, database)
  await mkdir(directory)
  const uri = mongodbUri.replace(/\/ca0$/, `/${database}`)
  const client = await MongoClient.connect(uri)
  // Who makes no indexes of its own would otherwise have less to do than the others.
  await client
    .db()
    .collection('gpu_metrics')
    .createIndexes([{ key: { ts: 1 } }, { key: { host: 1, gpu_index: 1 } }])
  await client
    .db()
    .collection('token_usage')
    .createIndexes([{ key: { ts: 1 } }, { key: { model: 1 } }])
  return {
    ...{ bootstrap, mongodbUri: uri, client, database, topics, group: database, directory },
    httpPort: await freePort(),
    async remove() {
      await client.db().dropDatabase()
      await client.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
