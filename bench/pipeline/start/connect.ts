import { existsSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type MavenDependency, resolveMavenJars } from '../../../engine/artifacts/maven-jars.ts'
import type { InventoryProgress } from '../../../engine/inventory.ts'
import type { Trial } from '../ground.ts'
import { startProgram } from '../program.ts'
import type { Contender } from './contender.ts'

export const connectVersions = { 'Kafka Connect': '3.7.0', 'mongo-kafka-connect': '1.13.0' } as const

const dependencies: readonly MavenDependency[] = [
  { coordinate: `org.apache.kafka:connect-runtime:${connectVersions['Kafka Connect']}` },
  { coordinate: `org.apache.kafka:connect-json:${connectVersions['Kafka Connect']}` },
  { coordinate: 'org.slf4j:slf4j-reload4j:1.7.36' },
  { coordinate: `org.mongodb.kafka:mongo-kafka-connect:${connectVersions['mongo-kafka-connect']}` },
]

/** As many as there are writers in the floor. */
const threads = 4

/** The folder with Connect's jars, put there by Maven where it is not yet. */
export async function ensureConnect(cacheDirectory: string, progress: InventoryProgress): Promise<string> {
  const home = join(cacheDirectory, `connect-${Object.values(connectVersions).join('-')}`)
  if (existsSync(home)) return home
  const partial = `${home}.${process.pid}`
  const scratch = join(partial, 'scratch')
  progress('resolving Kafka Connect and the MongoDB connector with Maven')
  await mkdir(scratch, { recursive: true })
  await resolveMavenJars(dependencies, partial, { scratch, signal: undefined })
  await rm(scratch, { recursive: true })
  await rename(partial, home)
  return home
}

/**
 * Kafka Connect with the sink as fast as we could set it: unordered bulk inserts, as many threads as the floor has
 * writers, full batches. It computes no cost and validates nothing.
 */
export async function startConnect(
  trial: Trial,
  { home, identity }: { home: string; identity: 'event' | 'driver' },
): Promise<Contender> {
  const log = join(trial.directory, 'connect.log')
  const worker = join(trial.directory, 'worker.properties')
  const sink = join(trial.directory, 'sink.properties')
  const log4j = join(trial.directory, 'log4j.properties')
  await writeFile(worker, properties(workerSettings(trial)))
  await writeFile(
    sink,
    properties({ ...sinkSettings(trial), ...(identity === 'event' ? identityOfEvent : {}) }),
  )
  await writeFile(
    log4j,
    'log4j.rootLogger=ERROR, stdout\nlog4j.appender.stdout=org.apache.log4j.ConsoleAppender\nlog4j.appender.stdout.layout=org.apache.log4j.SimpleLayout\n',
  )
  const program = await startProgram(
    [
      'java',
      '-Xmx1g',
      `-Dlog4j.configuration=file:${log4j}`,
      '-cp',
      join(home, 'libs', '*'),
      'org.apache.kafka.connect.cli.ConnectStandalone',
      worker,
      sink,
    ],
    { log },
  )
  return { program, log, healthUrl: `http://127.0.0.1:${trial.httpPort}/` }
}

const workerSettings = ({ bootstrap, directory, httpPort }: Trial) => ({
  'bootstrap.servers': bootstrap,
  'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
  'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'value.converter.schemas.enable': 'false',
  'offset.storage.file.filename': join(directory, 'offsets'),
  listeners: `http://127.0.0.1:${httpPort}`,
  'connector.client.config.override.policy': 'All',
})

const sinkSettings = ({ mongodbUri, database, group, topics }: Trial) => ({
  name: group,
  'connector.class': 'com.mongodb.kafka.connect.MongoSinkConnector',
  'tasks.max': String(threads),
  topics: `${topics.gpu},${topics.token}`,
  'connection.uri': mongodbUri,
  database,
  [`topic.override.${topics.gpu}.collection`]: 'gpu_metrics',
  [`topic.override.${topics.token}.collection`]: 'token_usage',
  'bulk.write.ordered': 'false',
  'writemodel.strategy': 'com.mongodb.kafka.connect.sink.writemodel.strategy.InsertOneDefaultStrategy',
  'max.batch.size': '2000',
  'consumer.override.auto.offset.reset': 'earliest',
  'consumer.override.max.poll.records': '4000',
  'consumer.override.max.partition.fetch.bytes': '4194304',
  'consumer.override.fetch.max.bytes': '33554432',
})

/** With it an event that comes twice is stored once, as it is with us; the driver's own identities are cheaper. */
const identityOfEvent = {
  'document.id.strategy': 'com.mongodb.kafka.connect.sink.processor.id.strategy.PartialValueStrategy',
  'document.id.strategy.partial.value.projection.type': 'AllowList',
  'document.id.strategy.partial.value.projection.list': 'event_id',
}

const properties = (settings: Record<string, string>): string =>
  Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
