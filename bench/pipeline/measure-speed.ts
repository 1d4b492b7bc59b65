import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import * as v from 'valibot'
import type { Services } from '../../test/support/services.ts'
import type { ContenderName } from './contenders.ts'
import type { SpeedRun } from './figures.ts'
import type { Ground, Trial } from './ground.ts'
import { probeHealth } from './health.ts'
import { endedEarly, startProgram } from './program.ts'
import type { FeedOrder } from './programs/feed.ts'
import type { InsertOrder } from './programs/insert-floor.ts'
import type { ReadOrder } from './programs/read-floor.ts'
import type { Contender } from './start/contender.ts'
import { cpuMsOf, peakMbOf } from './usage.ts'

const lookEveryMs = 50

type Measured = Omit<SpeedRun, 'contender' | 'round'>

const cpuOfServices = ({ kafka, mongodb }: Services) => ({
  kafka: cpuMsOf(kafka.pid ?? -1),
  mongodb: cpuMsOf(mongodb.pid ?? -1),
})

function cpuSince(before: ReturnType<typeof cpuOfServices>, services: Services) {
  const now = cpuOfServices(services)
  return { kafka: now.kafka - before.kafka, mongodb: now.mongodb - before.mongodb }
}

/** How many documents a trial's contender has stored. */
export async function storedIn({ client }: Trial): Promise<number> {
  const counts = await Promise.all(
    ['gpu_metrics', 'token_usage'].map((name) => client.db().collection(name).estimatedDocumentCount()),
  )
  return counts.reduce((sum, count) => sum + count, 0)
}

/**
 * Watches a contender from the first document that it stores until it has stored all, or the time is over. What it
 * needs to start does not count.
 */
export async function measureContender(
  name: ContenderName,
  trial: Trial,
  { program, log, healthUrl }: Contender,
  { services, messages, longestSeconds }: { services: Services; messages: number; longestSeconds: number },
): Promise<Measured> {
  let ended = false
  void program.ended.then(() => {
    ended = true
  })
  const looks: { at: number; count: number }[] = []
  let health: ReturnType<typeof probeHealth> | undefined
  let cpuBefore = 0
  let servicesBefore = { kafka: 0, mongodb: 0 }
  try {
    while (true) {
      if (ended) throw await endedEarly(name, log)
      const count = await storedIn(trial)
      const at = performance.now()
      if (count > 0) {
        if (health === undefined) {
          health = probeHealth(healthUrl)
          cpuBefore = cpuMsOf(program.pid)
          servicesBefore = cpuOfServices(services)
        }
        looks.push({ at, count })
        if (count >= messages || at - (looks[0]?.at ?? at) > longestSeconds * 1000) break
      }
      await sleep(lookEveryMs)
    }
    const [first, last] = [looks[0], looks.at(-1)]
    if (first === undefined || last === undefined) throw new TypeError('there was a look')
    const rateBetween = (from: number, to: number) => {
      const within = looks.filter(({ at }) => at >= from && at <= to)
      const [begin = first, end = last] = [within[0], within.at(-1)]
      return ((end.count - begin.count) * 1000) / (end.at - begin.at)
    }
    const quarter = (last.at - first.at) / 4
    return {
      documents: last.count - first.count,
      seconds: (last.at - first.at) / 1000,
      cpuMs: cpuMsOf(program.pid) - cpuBefore,
      serviceCpuMs: cpuSince(servicesBefore, services),
      peakMb: peakMbOf(program.pid),
      healthMs: health?.stop() ?? [],
      early: rateBetween(first.at, first.at + quarter),
      late: rateBetween(last.at - quarter, last.at),
    }
  } finally {
    health?.stop()
    await program.stop()
  }
}

const FloorSaid = v.object({ documents: v.number(), seconds: v.number(), cpuMs: v.number() })

/** Runs a floor, which measures itself: it has everything in memory before it begins. */
export async function measureFloor(
  name: 'insert-floor' | 'read-floor',
  trial: Trial,
  order: InsertOrder | ReadOrder,
  services: Services,
): Promise<Measured> {
  const log = join(trial.directory, `${name}.log`)
  const source = join(import.meta.dirname, 'programs', `${name}.ts`)
  const words = ['--max-old-space-size=6144', '--disable-warning=TimeoutNegativeWarning', source]
  const program = await startProgram([process.execPath, ...words, JSON.stringify(order)], { log })
  const before = cpuOfServices(services)
  if ((await program.ended) !== 0) throw await endedEarly(name, log)
  const said = (await readFile(log, 'utf8')).trim().split('\n').at(-1) ?? ''
  return { ...v.parse(FloorSaid, JSON.parse(said)), serviceCpuMs: cpuSince(before, services) }
}

/** Fills the topics with a stream, as fast as that goes. */
export async function feed(
  { services, directory }: Ground,
  order: Omit<FeedOrder, 'bootstrap'>,
): Promise<void> {
  const log = join(directory, 'feed.log')
  const words = [join(import.meta.dirname, 'programs', 'feed.ts')]
  const whole = { ...order, bootstrap: services.bootstrap }
  const program = await startProgram([process.execPath, ...words, JSON.stringify(whole)], { log })
  if ((await program.ended) !== 0) throw await endedEarly('the feed', log)
}
