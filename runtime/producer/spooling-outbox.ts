import type { Logger } from '../log.ts'
import { backoff, pause } from '../pause.ts'
import { reasonOf } from '../reason.ts'
import { failureOf } from './memory-outbox.ts'
import { type ByTopic, countIn, type Fate, noCounts, type Outbox, toRequest, unknownTopic } from './outbox.ts'
import { type Sender, within } from './sender.ts'
import type { SpooledEvent } from './spool/record.ts'
import type { Portion, Spool } from './spool/spool.ts'

/** A request that is not acknowledged in this time goes to the spool, and events are made on. */
const patienceMs = 2000

/** What is taken from the spool at once: well below the broker's limit of 1 MB for a request to a partition. */
const portion = { events: 2000, bytes: 700_000 }

/** A spool that was full takes events again once no more than this share of it is: an alarm that flaps is none. */
const shareToTakeAgain = 0.9

/** While an outage lasts, it is said again after this time. */
const remindEveryMs = 10_000

/**
 * Sends events as they come; while Kafka does not acknowledge them they go to the spool, from which they are sent in
 * their order once it does. As long as anything is in the spool, new events go behind it.
 */
export class SpoolingOutbox implements Outbox {
  readonly #sender: Sender
  readonly #spool: Spool
  readonly #log: Logger
  readonly #ending = new AbortController()
  readonly counts = noCounts()
  #draining: Promise<void> | undefined
  #answering = false
  #remindAt = 0
  #full = false

  constructor(sender: Sender, spool: Spool, log: Logger) {
    this.#sender = sender
    this.#spool = spool
    this.#log = log
    if (!spool.empty) {
      log.warn({ spool: spool.directory, bytes: spool.bytes }, 'events of an earlier run wait in the spool')
      this.#drainFrom(undefined)
    }
  }

  get fill() {
    return { bytes: this.#spool.bytes, limitBytes: this.#spool.limitBytes }
  }

  async put(events: SpooledEvent[], giveUp: AbortSignal): Promise<Fate> {
    if (this.#draining !== undefined) return this.#keep(events)
    const attempt = this.#sender.attempt(toRequest(events))
    const outcome = await within(attempt, giveUp, patienceMs)
    if (outcome === 'acknowledged') {
      countIn(this.counts.acknowledged, events)
      this.#full = false
      return 'acknowledged'
    }
    const why = outcome === 'failed' ? await failureOf(attempt) : `no answer within ${patienceMs / 1000} s`
    this.#complain({ why }, 'Kafka did not acknowledge; events go to the spool until it does')
    return this.#keep(events, attempt)
  }

  async relief(giveUp: AbortSignal): Promise<void> {
    if (this.#draining !== undefined && this.#answering) await within(this.#draining, giveUp, patienceMs)
  }

  async settle(giveUp: AbortSignal, patient: boolean): Promise<ByTopic> {
    while (this.#draining !== undefined && !giveUp.aborted && (patient || this.#answering)) {
      await within(this.#draining, giveUp)
    }
    return this.#spool.count()
  }

  async close(): Promise<void> {
    this.#ending.abort()
    await this.#sender.close()
    await this.#spool.close()
  }

  /** Puts events behind those that wait; `pending` is an attempt to send them that may still succeed. */
  async #keep(events: SpooledEvent[], pending?: Promise<void>): Promise<Fate> {
    const kept = await this.#spool.append(events)
    // The emptying that they were to wait behind may have ended meanwhile.
    this.#drainFrom(pending)
    if (!kept) countIn(this.counts.given_up, events)
    if (!kept && !this.#full) {
      this.#log.error(this.#shownFill(), 'THE SPOOL TAKES NO MORE: new events are lost until there is room')
    }
    if (!kept) this.#full = true
    else if (this.#full && this.#spool.bytes <= this.#spool.limitBytes * shareToTakeAgain) {
      this.#full = false
      this.#log.warn(this.#shownFill(), 'the spool takes events again')
    }
    return kept ? 'spooled' : 'given up'
  }

  /** Empties the spool in the background, after an attempt that may still be under way. */
  #drainFrom(pending: Promise<void> | undefined): void {
    this.#draining ??= this.#drain(pending)
  }

  async #drain(pending: Promise<void> | undefined): Promise<void> {
    const waitingTime = { next: backoff({ initial: 200, longest: 3000 }) }
    const signal = this.#ending.signal
    // Sent again before this has ended, the events could arrive in another order.
    await pending?.catch(() => undefined)
    while (!signal.aborted) {
      const oldest = await this.#spool.peek(portion)
      this.#countDamage()
      if (oldest === undefined) {
        if (!this.#spool.empty) continue
        break
      }
      this.#answering = await this.#send(oldest)
      if (this.#answering) waitingTime.next = backoff({ initial: 200, longest: 3000 })
      else await pause(waitingTime.next(), signal)
    }
    this.#draining = undefined
    if (!signal.aborted) this.#log.info({ spool: this.#spool.directory }, 'the spool is empty again')
  }

  async #send(oldest: Portion): Promise<boolean> {
    try {
      await this.#sender.attempt(toRequest(oldest.events))
    } catch (error) {
      const why = reasonOf(error)
      this.#complain({ why }, 'Kafka does not acknowledge; events wait in the spool')
      return false
    }
    if (!this.#answering)
      this.#log.warn(this.#shownFill(), 'Kafka acknowledges again; the spool is being emptied')
    this.#remindAt = 0
    countIn(oldest.earlier ? this.counts.recovered : this.counts.acknowledged, oldest.events)
    await this.#spool.forget(oldest)
    return true
  }

  /** Of what was damaged on disk nobody knows any more where it was to go. */
  #countDamage(): void {
    const { lost } = this.#spool
    if (lost > 0) this.counts.given_up[unknownTopic] = lost
  }

  #shownFill() {
    const { directory, bytes, limitBytes } = this.#spool
    return { spool: directory, bytes, limit_bytes: limitBytes, lost: this.counts.given_up }
  }

  /** Says that Kafka is away, once at first and then now and again. */
  #complain(why: { why: string }, message: string): void {
    if (Date.now() < this.#remindAt) return
    this.#remindAt = Date.now() + remindEveryMs
    this.#log.error({ ...why, ...this.#shownFill() }, message)
  }
}
