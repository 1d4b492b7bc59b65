import { setTimeout as sleep } from 'node:timers/promises'
import type { Db } from 'mongodb'
import { runBatch } from '../../engine/batch.ts'
import { sh } from '../../engine/shell.ts'
import type { Connection } from '../../engine/transport/connection.ts'
import { ArrivalWatch } from './arrival.ts'
import { type Answer, CheckFailure, type Checklist, type Outcome, type Suspect } from './checklist.ts'
import { collections, readBatch, readWindows } from './documents.ts'
import { judgeArrival, judgeCosts } from './judge-batch.ts'
import { percentile } from './percentile.ts'
import { sendBatch } from './producer.ts'
import type { CollectionCounts, Latency } from './result.ts'

/** How long it is looked, after all has arrived, whether anything arrives twice. */
const settleMs = 1_000

/** By how much the clocks may still differ after they were compared. */
const clockDoubtMs = 5_000

/** 99 % of the documents should be there so soon after their event. */
const latencyObjectiveMs = 10_000

export interface BatchOptions {
  checklist: Checklist
  /** The hosts that send, each a batch of its own. */
  senders: { connection: Connection; marker: string; ready: Outcome<unknown> }[]
  suspects: { sending: Suspect[]; storing: Suspect[] }
  size: number
  sleepSeconds: number
  deadlineMs: number
  signal: AbortSignal
}

export interface BatchFindings {
  counts: CollectionCounts[]
  latency: Latency | undefined
}

/** Baseline, trigger, delta: counts, sends a marked batch from each sender, and judges what became of it. */
export async function checkBatches(database: Db, options: BatchOptions): Promise<BatchFindings> {
  const { checklist, senders, suspects } = options
  const baseline = await checklist.check({
    name: 'baseline',
    suspects: suspects.storing,
    run: async () => {
      const counts = await countsOf(database)
      const shown = collections.map((name, index) => `${name} ${counts[index]}`)
      return { detail: `documents before: ${shown.join(', ')}`, value: counts }
    },
  })
  const clocks = await Promise.all(senders.map(({ connection }) => clockAheadMs(connection)))
  const since = new Date(Date.now() + Math.min(0, ...clocks) - clockDoubtMs)
  const watch = new ArrivalWatch(
    database,
    senders.map(({ marker }) => marker),
    since,
  )
  try {
    const latencies = await Promise.all(
      senders.map((sender, index) =>
        checkBatch(sender, { ...options, baseline, database, watch, since, aheadMs: clocks[index] ?? 0 }),
      ),
    )
    const after = baseline.passed ? await countsOf(database) : []
    const counts = collections.flatMap((collection, index): CollectionCounts[] =>
      baseline.passed
        ? [
            {
              collection,
              before: baseline.value[index] ?? 0,
              after: after[index] ?? 0,
              marked: senders.reduce((sum, { marker }) => sum + watch.count(marker, collection), 0),
              expected: senders.length * options.size,
            },
          ]
        : [],
    )
    return { counts, latency: latencyOf(latencies.flat(), watch.resolutionMs) }
  } finally {
    await watch.close()
  }
}

/** Of the whole collection, from its own record of it: counting would read millions of documents. */
const countsOf = (database: Db): Promise<number[]> =>
  Promise.all(collections.map((name) => database.collection(name).estimatedDocumentCount()))

interface BatchContext extends BatchOptions {
  baseline: Outcome<unknown>
  database: Db
  watch: ArrivalWatch
  since: Date
  aheadMs: number
}

/** @returns the latencies of the documents that arrived */
async function checkBatch(
  { connection, marker, ready }: BatchOptions['senders'][number],
  context: BatchContext,
): Promise<number[]> {
  const { checklist, suspects, size, sleepSeconds, deadlineMs, database, watch, since, signal } = context
  const host = connection.host.name
  const sent = await checklist.check({
    name: 'batch sent',
    host,
    needs: [context.baseline, ready],
    suspects: suspects.sending,
    run: () => sendBatch(connection, { marker, size, sleepSeconds }),
  })
  const arrived = await checklist.check({
    name: 'batch stored',
    host,
    needs: [sent],
    suspects: suspects.storing,
    run: async () => {
      const inTime = await watch.until(marker, size, deadlineMs, signal)
      if (inTime) await sleep(settleMs)
      signal.throwIfAborted()
      return judgeArrival(await readBatch(database, marker, since), size)
    },
  })
  const latencies = watch
    .sightings(marker)
    .map(({ seenAt, eventAt }) => Math.max(0, seenAt + context.aheadMs - eventAt))
  if (!arrived.passed) {
    checklist.skip({ name: 'cost', host }, arrived.reason)
    checklist.skip({ name: 'latency', host }, arrived.reason)
    return latencies
  }
  const documents = arrived.value
  await checklist.check({
    name: 'cost',
    host,
    suspects: suspects.storing,
    run: async () => judgeCosts(documents, await readWindows(database, documents.token_usage)),
  })
  await checklist.check({
    name: 'latency',
    host,
    suspects: suspects.storing,
    run: () => judgeLatency(latencies, watch.resolutionMs),
  })
  return latencies
}

/** Judges the time from event to document against the service level. */
function judgeLatency(latencies: readonly number[], resolutionMs: number): Answer<undefined> {
  const latency = latencyOf(latencies, resolutionMs)
  if (latency === undefined) throw new CheckFailure('no document was seen on its way')
  const p99 = percentile(latencies, 0.99)
  if (p99 > latencyObjectiveMs) {
    throw new CheckFailure(
      `99 % of the documents were there ${Math.round(p99)} ms after their event, should be ${latencyObjectiveMs} ms`,
      { advice: 'see whether the processor lags behind (/metrics on its host), and how busy its host is' },
    )
  }
  return { detail: `p50 ${latency.p50Ms} ms, p95 ${latency.p95Ms} ms`, value: undefined }
}

function latencyOf(latencies: readonly number[], resolutionMs: number): Latency | undefined {
  if (latencies.length === 0) return undefined
  return {
    documents: latencies.length,
    p50Ms: percentile(latencies, 0.5),
    p95Ms: percentile(latencies, 0.95),
    longestMs: percentile(latencies, 1),
    resolutionMs,
  }
}

/**
 * How far a host's clock is ahead of the controller's; 0 where the difference is within the time that asking took,
 * and where it cannot be asked.
 */
async function clockAheadMs(connection: Connection): Promise<number> {
  const before = Date.now()
  const [outcome] = await runBatch(connection, [sh`date +%s%3N`], {
    stopOnFailure: false,
    timeoutSeconds: () => 10,
  }).catch(() => [])
  const after = Date.now()
  const there = Number(outcome?.stdout.trim())
  if (!(there > 0) || (there >= before && there <= after)) return 0
  return Math.round(there - (before + after) / 2)
}
