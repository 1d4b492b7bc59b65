import { once } from 'node:events'
import { serve } from '@hono/node-server'
import { type Db, MongoClient } from 'mongodb'
import { ProcessorMetrics } from '../../runtime/processor/metrics.ts'
import { Store } from '../../runtime/processor/store.ts'
import { usageRoutes } from '../../runtime/processor/usage/routes.ts'
import type { BenchCircumstances } from '../command.ts'
import { fillMonth } from './fill.ts'
import { startMongod } from './mongod.ts'
import { month } from './month.ts'
import type { UsageBenchOptions } from './options.ts'
import { checkTotals, timeQuestions } from './questions.ts'
import { type UsageResults, writeUsageResults } from './report.ts'

/** Fills a database with a month, asks for it, and writes the figures. */
export async function measureUsage(
  options: UsageBenchOptions,
  { command, progress, signal }: BenchCircumstances,
): Promise<void> {
  const mongod = await startMongod()
  try {
    const filled = await fillMonth(mongod.uri, options, { progress, signal })
    progress(
      `stored in ${filled.insertSeconds.toFixed(0)} s, summed up in ${filled.rollupSeconds.toFixed(0)} s`,
    )
    await mongod.restart()
    const timings = await withApi(mongod.uri, async (address) => {
      const timed = await timeQuestions(address, options.asks, signal)
      await checkTotals(address, filled)
      return timed
    })
    for (const { title, medianMs } of timings) progress(`${title}: ${medianMs.toFixed(1)} ms`)
    progress('asking the documents themselves')
    const facts = await withDatabase(mongod.uri, factsOf)
    const results: UsageResults = { command, options, filled, timings, ...facts }
    await writeUsageResults(options.out, results)
  } finally {
    await mongod.remove()
  }
}

/** Serves the routes as the processor does, while `use` runs. */
async function withApi<Result>(uri: string, use: (address: string) => Promise<Result>): Promise<Result> {
  const store = new Store(uri, new ProcessorMetrics())
  await store.ping()
  const server = serve({ fetch: usageRoutes(store.side).fetch, hostname: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  const address = server.address()
  try {
    if (address === null || typeof address === 'string') throw new TypeError('the server has no port')
    return await use(`http://127.0.0.1:${address.port}`)
  } finally {
    server.close()
    await store.close()
  }
}

async function withDatabase<Result>(uri: string, use: (db: Db) => Promise<Result>): Promise<Result> {
  const client = await MongoClient.connect(uri)
  return use(client.db()).finally(() => client.close())
}

/** What the figures are of, and how long the same sums take without roll-ups. */
async function factsOf(db: Db): Promise<Pick<UsageResults, 'mongodb' | 'rollups' | 'documentsSeconds'>> {
  const { version } = await db.admin().serverInfo()
  const counts = await db
    .collection('usage_rollups')
    .aggregate<{ _id: string; count: number }>([{ $group: { _id: '$width', count: { $sum: 1 } } }])
    .toArray()
  const began = performance.now()
  await db
    .collection('token_usage')
    .aggregate(
      [
        { $match: { ts: { $gte: new Date(month.from), $lt: new Date(month.to) } } },
        { $group: { _id: '$model', events: { $sum: 1 }, tokens: { $sum: '$tokens' } } },
      ],
      { hint: { $natural: 1 } },
    )
    .toArray()
  return {
    mongodb: String(version),
    rollups: new Map(counts.map(({ _id, count }) => [_id, count])),
    documentsSeconds: (performance.now() - began) / 1000,
  }
}
