import type { Db } from 'mongodb'
import type { Logger } from '../../log.ts'
import { pause } from '../../pause.ts'
import { kinds, rollupKinds, rollupState } from './rollup-kinds.ts'
import type { RollupMarks } from './rollup-marks.ts'
import { floorTo, widthMs } from './widths.ts'

const everyMs = 600_000

/** How much event time is deleted at once, so that no single deletion keeps the database busy for long. */
const portionMs = 600_000

/** After a deletion that took t, this many times t is left to others. */
const restsPerWork = 4

interface ExpiredDocument {
  _id: 'expired'
  before: Date
}

/**
 * Deletes documents that are older than the retention, with the roll-ups of less than an hour; those of hours and days
 * stay for ever. A TTL index would not know what the roll-ups still need: this asks for their marks first.
 */
export class Retention {
  readonly #db: Db
  readonly #marks: RollupMarks
  readonly #days: number | undefined

  constructor(db: Db, marks: RollupMarks, days: number | undefined) {
    this.#db = db
    this.#marks = marks
    this.#days = days
  }

  /** From when on there are documents, and roll-ups of less than an hour; `undefined` if none was ever deleted. */
  static async keptFrom(db: Db): Promise<number | undefined> {
    const expired = await db.collection<ExpiredDocument>(rollupState).findOne({ _id: 'expired' })
    return expired?.before.getTime()
  }

  /** Deletes every ten minutes what has become too old, until the signal says stop. */
  async run(log: Logger, signal: AbortSignal): Promise<void> {
    if (this.#days === undefined) return
    while (!signal.aborted) {
      try {
        const deleted = await this.expire(signal)
        if (deleted > 0)
          log.info({ deleted, retentionDays: this.#days }, 'deleted what is past its retention')
      } catch (error) {
        log.warn({ err: error }, 'what is past its retention could not be deleted; it is tried again')
      }
      await pause(everyMs, signal)
    }
  }

  /** Deletes what is too old now, but nothing of an hour from which on roll-ups are behind; returns how many documents. */
  async expire(signal: AbortSignal, now: number = Date.now()): Promise<number> {
    if (this.#days === undefined) return 0
    const behind = (await this.#marks.oldest()) ?? Number.POSITIVE_INFINITY
    const before = floorTo('hour', Math.min(now - this.#days * widthMs.day, behind))
    const keptFrom = (await Retention.keptFrom(this.#db)) ?? Number.NEGATIVE_INFINITY
    if (before > keptFrom) {
      // Said before it is done: half-deleted minutes must not be taken for whole ones.
      await this.#db
        .collection<ExpiredDocument>(rollupState)
        .updateOne({ _id: 'expired' }, { $set: { before: new Date(before) } }, { upsert: true })
    }
    let deleted = 0
    for (const kind of kinds) {
      deleted += await this.#deleteDocuments(rollupKinds[kind].documents, before, signal)
      await this.#db
        .collection(rollupKinds[kind].rollups)
        .deleteMany({ width: { $in: ['10s', 'minute'] }, at: { $lt: new Date(before) } })
    }
    return deleted
  }

  async #deleteDocuments(name: string, before: number, signal: AbortSignal): Promise<number> {
    const collection = this.#db.collection<{ ts: Date }>(name)
    let deleted = 0
    while (!signal.aborted) {
      const oldest = await collection.findOne({}, { sort: { ts: 1 }, projection: { ts: 1 } })
      if (oldest === null || oldest.ts.getTime() >= before) break
      const to = Math.min(before, oldest.ts.getTime() + portionMs)
      const startedAt = performance.now()
      const { deletedCount } = await collection.deleteMany({ ts: { $lt: new Date(to) } })
      deleted += deletedCount
      await pause((performance.now() - startedAt) * restsPerWork, signal)
    }
    return deleted
  }
}
