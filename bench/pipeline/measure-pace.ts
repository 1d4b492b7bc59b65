import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import * as v from 'valibot'
import type { PaceRun } from './figures.ts'
import type { Ground, Trial } from './ground.ts'
import { probeHealth } from './health.ts'
import { endedEarly, startProgram } from './program.ts'
import type { FeedOrder } from './programs/feed.ts'
import type { Contender } from './start/contender.ts'
import { cpuMsOf, peakMbOf } from './usage.ts'

const lookEveryMs = 3

/** An event that is not found by then was lost. */
const longestMs = 30_000

const Sent = v.object({ kind: v.picklist(['gpu', 'token']), id: v.string(), at: v.number() })

/** Sends events at an even pace, and looks for the documents of some of them as any reader of the database would. */
export async function measurePace(
  { services, directory }: Ground,
  trial: Trial,
  { program: processor, healthUrl }: Contender,
  { pace, seconds, seed }: { pace: number; seconds: number; seed: number },
): Promise<PaceRun> {
  const log = join(directory, 'feed.log')
  const order: FeedOrder = {
    bootstrap: services.bootstrap,
    topics: trial.topics,
    ...{ seed, messages: pace * seconds, startMs: Date.now(), eventsPerSecond: pace, paced: true },
  }
  const words = [join(import.meta.dirname, 'programs', 'feed.ts'), JSON.stringify(order)]
  const feed = await startProgram([process.execPath, ...words], { log, lines: true })
  const health = probeHealth(healthUrl)
  const found: Promise<number>[] = []
  const cpuBefore = cpuMsOf(processor.pid)
  const startedAt = performance.now()
  try {
    for await (const line of feed.lines) found.push(waitingTime(trial, v.parse(Sent, JSON.parse(line))))
    if ((await feed.ended) !== 0) throw await endedEarly('the feed', log)
    const cpuShare = (cpuMsOf(processor.pid) - cpuBefore) / (performance.now() - startedAt)
    const eventToDocumentMs = await Promise.all(found)
    return {
      eventsPerSecond: pace,
      eventToDocumentMs,
      healthMs: health.stop(),
      cpuShare,
      peakMb: peakMbOf(processor.pid),
    }
  } finally {
    health.stop()
    await feed.stop()
    await processor.stop()
  }
}

async function waitingTime({ client }: Trial, { kind, id, at }: v.InferOutput<typeof Sent>): Promise<number> {
  const collection = client.db().collection<{ _id: string }>(kind === 'gpu' ? 'gpu_metrics' : 'token_usage')
  while (Date.now() - at < longestMs) {
    if ((await collection.findOne({ _id: id }, { projection: { _id: 1 } })) !== null) return Date.now() - at
    await sleep(lookEveryMs)
  }
  return Number.POSITIVE_INFINITY
}
