import type { ProducerEnvironment } from '../config.ts'
import type { Logger } from '../log.ts'
import { pause } from '../pause.ts'
import { createEvents } from './events.ts'
import type { GpuSource } from './gpu.ts'
import type { ByTopic, Counts, Outbox } from './outbox.ts'
import type { SpooledEvent } from './spool/record.ts'

/** Iterations that go into one request where there is no pause between them. */
const iterationsAtOnce = 250

/** After events that nobody could take, that long none are made. */
const pauseAfterLossMs = 1000

/** What a run of the producer has done. */
export interface Report extends Counts {
  iterations: number
  /** What is on disk, not acknowledged, and is sent by the next run. */
  spooled: ByTopic
  /** Whether all that was asked for is acknowledged; without an end, whether nothing is lost. */
  complete: boolean
  elapsed_seconds: number
}

/** How the stream ends. */
export interface StreamOptions {
  /** How many iterations to make; without a number, until `stop`. */
  iterations: number | undefined
  marker: string | undefined
  /** No more events are made from here on. */
  stop: AbortSignal
  /** What is not acknowledged by then is left in the spool, or given up where there is none. */
  giveUp: AbortSignal
}

/** Makes and sends events, one GPU after the other, and reports. */
export async function stream(
  environment: ProducerEnvironment,
  { source, outbox, log }: { source: GpuSource; outbox: Outbox; log: Logger },
  { iterations, marker, stop, giveUp }: StreamOptions,
): Promise<Report> {
  const usageTopic = environment.KAFKA_TOPIC ?? environment.TOPIC_TOKEN
  const sleepMs = environment.SLEEP_SEC * 1000
  const startedAt = Date.now()
  const wanted = iterations ?? Number.POSITIVE_INFINITY
  let made = 0
  while (made < wanted && !stop.aborted && !giveUp.aborted) {
    const events: SpooledEvent[] = []
    const gpus = await source.read()
    const size = Math.min(sleepMs === 0 ? iterationsAtOnce : 1, wanted - made)
    for (let each = 0; each < size; each += 1) {
      const gpu = gpus[(made + each) % gpus.length]
      if (gpu === undefined) throw new TypeError(`${source.name} gave no GPU`)
      const { sample, usage } = createEvents(gpu, { marker, random: Math.random, now: new Date() })
      events.push({ topic: environment.TOPIC_METRIC, ...sample }, { topic: usageTopic, ...usage })
    }
    made += size
    const fate = await outbox.put(events, giveUp)
    if (log.isLevelEnabled('debug')) log.debug({ fate, ...extentOf(events) }, 'events handed over')
    if (sleepMs === 0) await outbox.relief(giveUp)
    if (made < wanted) await pause(fate === 'given up' ? Math.max(sleepMs, pauseAfterLossMs) : sleepMs, stop)
  }
  const spooled = await outbox.settle(giveUp, iterations !== undefined)
  const lost = Object.keys(outbox.counts.given_up).length > 0
  const all = made === wanted && Object.keys(spooled).length === 0
  return {
    iterations: made,
    ...outbox.counts,
    spooled,
    complete: !lost && (iterations === undefined || all),
    elapsed_seconds: (Date.now() - startedAt) / 1000,
  }
}

/** How many events, and the first and the last of them: enough to find them in Kafka and in the database. */
function extentOf(events: readonly SpooledEvent[]): { events: number; first: string; last: string } {
  const idOf = (event: SpooledEvent | undefined): string => JSON.parse(event?.value ?? '{}').event_id
  return { events: events.length, first: idOf(events[0]), last: idOf(events.at(-1)) }
}
