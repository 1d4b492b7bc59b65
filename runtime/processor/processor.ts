import { serve } from '@hono/node-server'
import type { Db } from 'mongodb'
import type { ProcessorEnvironment } from '../config.ts'
import { createKafka } from '../kafka-client.ts'
import type { Logger } from '../log.ts'
import { pause } from '../pause.ts'
import { reasonOf } from '../reason.ts'
import { BatchWriter } from './batch.ts'
import { PartitionReader } from './consumer.ts'
import { assets } from './dashboard/assets.ts'
import { HistoryCache } from './dashboard/history.ts'
import { LiveStreams } from './dashboard/live.ts'
import type { Recent } from './dashboard/recent.ts'
import { Ticker } from './dashboard/ticker.ts'
import { DeadLetters } from './dead-letters.ts'
import { GpuBoard } from './gpu-board.ts'
import { createApp } from './http.ts'
import { watchLag } from './lag.ts'
import { ProcessorMetrics } from './metrics.ts'
import { Abandoned, createPersist, type Persist, type StillOurs } from './persist.ts'
import { PriceBook } from './price-book.ts'
import { Readiness } from './readiness.ts'
import { Store } from './store.ts'
import { awaitTopics } from './topics.ts'
import { Retention } from './usage/retention.ts'
import { RollupKeeper } from './usage/rollup-keeper.ts'

/** How often the database is asked whether it is there, while nothing is written. */
const pingEveryMs = 5000

/** How often the database is asked for the samples that others wrote. */
const lookForGpusEveryMs = 15_000

/**
 * Runs the processor until the signal says stop, and then ends what is in hand. Neither Kafka nor MongoDB needs to be
 * there at the start: it answers on its port at once, and waits for them.
 */
export async function runProcessor(
  environment: ProcessorEnvironment,
  { log, signal, recent }: { log: Logger; signal: AbortSignal; recent: Recent },
): Promise<void> {
  const metrics = new ProcessorMetrics()
  const readiness = new Readiness(log, metrics)
  const board = new GpuBoard()
  const persist = createPersist(readiness, metrics)
  const store = new Store(environment.MONGODB_URI, metrics)
  const dead = Promise.withResolvers<never>()
  const streams = openStreams(environment, { readiness, metrics, board, recent, database: store.side })
  const app = createApp({ readiness, board, metrics, database: store.side, streams })
  const server = listen(environment, app, log, dead.reject)
  const kafka = createKafka({
    brokers: environment.KAFKA_BOOTSTRAP,
    clientId: `processor-${environment.HOSTNAME}`,
    log,
  })
  const deadLetters = new DeadLetters(kafka, environment.TOPIC_DLQ, {
    ...{ persist, metrics },
    onSent: recent.noteLetters,
  })
  const prices = new PriceBook(store.prices)
  const topics = [...new Set([environment.TOPIC_METRIC, environment.TOPIC_TOKEN, environment.KAFKA_TOPIC])]
  // A counter that begins with its first letter would hide that one from an alarm on its increase.
  for (const topic of topics) metrics.deadLetters.inc({ topic }, 0)
  const reader = new PartitionReader({
    kafka,
    group: environment.CONSUMER_GROUP,
    topics,
    writer: new BatchWriter({
      store,
      deadLetters,
      prices,
      board,
      metrics,
      persist,
      log,
      sampleTopic: environment.TOPIC_METRIC,
      defaultPrice: environment.PRICE_PER_HOUR_USD,
    }),
    readiness,
    metrics,
    log,
    onDead: dead.reject,
  })
  const work = async () => {
    await prepareStore(store, { board, persist, signal })
    await awaitTopics(kafka, { topics, deadLetterTopic: environment.TOPIC_DLQ }, { readiness, log, signal })
    await reader.start(signal)
    const group = environment.CONSUMER_GROUP
    await Promise.all([
      watchStore(store, readiness, signal),
      watchGpus(store, board, signal),
      keepRollups(store, environment.RETENTION_DAYS, { metrics, persist, log, signal }),
      watchLag(
        kafka,
        { group, topics, deadLetterTopic: environment.TOPIC_DLQ, assigned: () => reader.assigned },
        { metrics, log, signal },
      ),
    ])
  }
  try {
    // The stop does not wait for what waits for others.
    const stopping = Promise.withResolvers<void>()
    signal.addEventListener('abort', () => stopping.resolve(), { once: true })
    await Promise.race([work(), stopping.promise, dead.promise])
  } finally {
    readiness.unwell('processor', 'stopping')
    await reader.stop()
    await deadLetters.close()
    await store.close()
    server.close()
    server.closeAllConnections()
  }
}

/** What open pages listen to: the counters of every second, and sums from the database. */
function openStreams(
  { HOSTNAME }: ProcessorEnvironment,
  {
    database,
    ...parts
  }: {
    readiness: Readiness
    metrics: ProcessorMetrics
    board: GpuBoard
    recent: Recent
    database: Db
  },
): LiveStreams {
  const ticker = new Ticker(parts.metrics)
  ticker.start()
  return new LiveStreams({
    ...parts,
    ticker,
    history: new HistoryCache(database),
    host: HOSTNAME,
    version: assets.version,
  })
}

function listen(
  { HTTP_HOST, HTTP_PORT }: ProcessorEnvironment,
  app: ReturnType<typeof createApp>,
  log: Logger,
  onError: (error: Error) => void,
) {
  const server = serve({ fetch: app.fetch, hostname: HTTP_HOST, port: HTTP_PORT }, ({ address, port }) => {
    log.info({ address, port }, 'listening')
  })
  server.on('error', onError)
  if (!('closeAllConnections' in server)) throw new TypeError('the server should speak HTTP/1')
  return server
}

async function prepareStore(
  store: Store,
  { board, persist, signal }: { board: GpuBoard; persist: Persist; signal: AbortSignal },
): Promise<void> {
  await unlessAbandoned(signal, async (stillWanted) => {
    await persist('mongodb', stillWanted, () => store.ping())
    await persist('indexes', stillWanted, () => store.makeIndexes())
    await persist('mongodb', stillWanted, () => noteGpus(store, board))
  })
}

/** Runs what insists until the signal says stop. */
async function unlessAbandoned(
  signal: AbortSignal,
  work: (stillWanted: StillOurs) => Promise<void>,
): Promise<void> {
  try {
    await work(() => {
      if (signal.aborted) throw new Abandoned('the processor stops')
    })
  } catch (error) {
    if (!(error instanceof Abandoned)) throw error
  }
}

async function keepRollups(
  { side, marks }: Store,
  retentionDays: number | undefined,
  {
    metrics,
    persist,
    log,
    signal,
  }: { metrics: ProcessorMetrics; persist: Persist; log: Logger; signal: AbortSignal },
): Promise<void> {
  const keeper = new RollupKeeper(side, marks, { metrics, log })
  await unlessAbandoned(signal, (stillWanted) => persist('indexes', stillWanted, () => keeper.prepare()))
  await Promise.all([keeper.run(signal), new Retention(side, marks, retentionDays).run(log, signal)])
}

/** Shows the GPUs that the database knows, also those whose samples another processor of the group reads. */
async function noteGpus(store: Store, board: GpuBoard): Promise<void> {
  for await (const sample of store.lastSamples()) board.note(sample)
}

async function watchGpus(store: Store, board: GpuBoard, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await pause(lookForGpusEveryMs, signal)
    if (signal.aborted) return
    try {
      await noteGpus(store, board)
    } catch {
      // Whether the database is there is watched above; what is shown meanwhile is older, and says so.
    }
  }
}

async function watchStore(store: Store, readiness: Readiness, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await pause(pingEveryMs, signal)
    if (signal.aborted) return
    try {
      await store.ping()
      readiness.well('mongodb')
    } catch (error) {
      readiness.unwell('mongodb', reasonOf(error))
    }
  }
}
