import { backoff, pause } from '../pause.ts'
import { reasonOf } from '../reason.ts'
import type { ProcessorMetrics } from './metrics.ts'
import type { Part, Readiness } from './readiness.ts'

/** The work on a batch ends here without a result; its messages come again. */
export class Abandoned extends Error {
  override readonly name = 'Abandoned'
}

/** Throws when there is no sense in going on: the program stops, or the partition may be another's by now. */
export type StillOurs = () => void

/** Repeats an attempt, for as long as it takes, until it succeeds or `stillOurs` throws. */
export type Persist = <Result>(
  part: Part,
  stillOurs: StillOurs,
  attempt: (earlierAttempts: number) => Promise<Result>,
) => Promise<Result>

/** Makes the one way in which the processor insists: waiting longer each time, and saying so on `/ready`. */
export function createPersist(readiness: Readiness, metrics: ProcessorMetrics): Persist {
  return async (part, stillOurs, attempt) => {
    const waitingTime = backoff({ initial: 100, longest: 3000 })
    for (let attempts = 0; ; attempts += 1) {
      try {
        const result = await attempt(attempts)
        readiness.well(part)
        return result
      } catch (error) {
        if (error instanceof Abandoned) throw error
        metrics.failures.inc({ service: part })
        readiness.unwell(part, reasonOf(error))
      }
      stillOurs()
      const until = Date.now() + waitingTime()
      while (Date.now() < until) {
        await pause(Math.min(250, until - Date.now()))
        stillOurs()
      }
    }
  }
}
