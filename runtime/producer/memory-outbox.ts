import type { Logger } from '../log.ts'
import { backoff, pause } from '../pause.ts'
import { reasonOf } from '../reason.ts'
import { type ByTopic, countIn, type Fate, noCounts, type Outbox, toRequest } from './outbox.ts'

import { type Sender, within } from './sender.ts'
import type { SpooledEvent } from './spool/record.ts'

/**
 * Sends one request at a time and insists until it is acknowledged, so that there is never more in memory than that
 * request. Nothing new is made meanwhile. `event_id` makes it harmless that a request may arrive twice.
 */
export class MemoryOutbox implements Outbox {
  readonly #sender: Sender
  readonly #log: Logger
  readonly counts = noCounts()
  readonly fill = { bytes: 0, limitBytes: 0 }

  constructor(sender: Sender, log: Logger) {
    this.#sender = sender
    this.#log = log
  }

  async put(events: SpooledEvent[], giveUp: AbortSignal): Promise<Fate> {
    const waitingTime = backoff({ initial: 200, longest: 3000 })
    for (let attempts = 1; ; attempts += 1) {
      const attempt = this.#sender.attempt(toRequest(events))
      if ((await within(attempt, giveUp)) === 'acknowledged') {
        if (attempts > 1) this.#log.info({ attempts }, 'Kafka acknowledges again')
        countIn(this.counts.acknowledged, events)
        return 'acknowledged'
      }
      const why = giveUp.aborted ? 'the time to stop has come' : await failureOf(attempt)
      this.#log.error({ attempts, why }, 'Kafka did not acknowledge; nothing new is made until it does')
      await pause(waitingTime(), giveUp)
      if (giveUp.aborted) {
        countIn(this.counts.given_up, events)
        return 'given up'
      }
    }
  }

  async relief(): Promise<void> {}

  async settle(): Promise<ByTopic> {
    return {}
  }

  close(): Promise<void> {
    return this.#sender.close()
  }
}

/** Why an attempt that has failed did so. */
export async function failureOf(attempt: Promise<void>): Promise<string> {
  try {
    await attempt
    return 'it was acknowledged late'
  } catch (error) {
    return reasonOf(error)
  }
}
