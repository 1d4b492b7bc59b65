import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Minute } from './figures.ts'
import type { Ground, Trial } from './ground.ts'
import { storedIn } from './measure-speed.ts'
import { endedEarly, startProgram } from './program.ts'
import type { FeedOrder } from './programs/feed.ts'
import type { Contender } from './start/contender.ts'
import { residentMbOf } from './usage.ts'

/** How far ahead of the processor the feed keeps: enough that there is always a backlog, whatever its speed. */
const aheadBy = 400_000

/** How dense the events are in their own time. */
const eventsPerSecond = 2000

/** The first event is from so long ago that the last one is not of the future. */
const longAgoMs = 30 * 24 * 3600 * 1000

/** Keeps a backlog before our processor for some minutes, and counts what it stores in each. */
export async function* measureMinutes(
  { services, directory }: Ground,
  trial: Trial,
  { program, log }: Contender,
  { minutes, seed, signal }: { minutes: number; seed: number; signal: AbortSignal },
): AsyncGenerator<Minute> {
  let sent = 0
  const firstAt = Date.now() - longAgoMs
  let ended = false
  void program.ended.then(() => {
    ended = true
  })
  const feedLog = join(directory, 'feed.log')
  const feedMore = async () => {
    const order: FeedOrder = {
      bootstrap: services.bootstrap,
      topics: trial.topics,
      ...{ seed: seed + sent, messages: aheadBy, eventsPerSecond, paced: false },
      startMs: firstAt + (sent * 1000) / eventsPerSecond,
    }
    const words = [join(import.meta.dirname, 'programs', 'feed.ts'), JSON.stringify(order)]
    const feed = await startProgram([process.execPath, ...words], { log: feedLog })
    if ((await feed.ended) !== 0) throw await endedEarly('the feed', feedLog)
    sent += aheadBy
  }
  let feeding: Promise<void> | undefined
  const keepAhead = (stored: number) => {
    if (feeding !== undefined || sent - stored >= aheadBy) return
    feeding = feedMore().finally(() => {
      feeding = undefined
    })
  }
  keepAhead(0)
  try {
    while ((await storedIn(trial)) === 0) await sleep(100)
    let before = await storedIn(trial)
    let endsAt = Date.now() + 60_000
    for (let minute = 1; minute <= minutes; ) {
      signal.throwIfAborted()
      if (ended) throw await endedEarly('Sluice', log)
      const stored = await storedIn(trial)
      keepAhead(stored)
      if (Date.now() >= endsAt) {
        yield { minute, documents: stored - before, residentMb: residentMbOf(program.pid) }
        before = stored
        endsAt += 60_000
        minute += 1
      }
      await sleep(100)
    }
  } finally {
    await feeding
    await program.stop()
  }
}
