import { randomUUID } from 'node:crypto'
import type { Collection } from 'mongodb'
import { type Kind, kinds } from './rollup-kinds.ts'
import { floorTo } from './widths.ts'

/** Says that documents of these ten seconds were or are being written and are not in the roll-ups yet. */
export interface MarkDocument {
  _id: string
  kind: Kind
  at: Date
  instance: string
  version: string
  /** When it was last renewed, by the database's clock. */
  touched: Date
}

/** A mark as far as one pass over the roll-ups needs it. */
export interface Mark {
  id: string
  kind: Kind
  at: number
  version: string
}

interface Held extends Mark {
  renewedAt: number
  saved: Promise<void>
  writers: number
  idle: PromiseWithResolvers<void> | undefined
}

/** A mark is renewed after this long while it is relied on. */
const reliedOnMs = 20_000

/** A mark that nobody renewed for this long is no longer relied on: no write lasts until then. */
const abandonedMs = 60_000

/**
 * Remembers in the database which roll-ups are behind their documents. A mark is safe before the first document of its
 * ten seconds is, and goes only when they were summed up after the last document was written: a crash at any point
 * leaves the mark, and whoever finds it sums up again.
 */
export class RollupMarks {
  readonly #collection: Collection<MarkDocument>
  readonly #instance: string
  readonly #held = new Map<string, Held>()

  constructor(collection: Collection<MarkDocument>, instance: string = randomUUID()) {
    this.#collection = collection
    this.#instance = instance
  }

  async makeIndexes(): Promise<void> {
    await this.#collection.createIndex({ kind: 1, at: 1 })
  }

  /** Runs a write of documents of these times with their marks in place. */
  async during<Result>(kind: Kind, times: readonly number[], write: () => Promise<Result>): Promise<Result> {
    const held = this.#hold(kind, times)
    for (const mark of held) mark.writers += 1
    try {
      await Promise.all(held.map(({ saved }) => saved))
      return await write()
    } finally {
      for (const mark of held) {
        mark.writers -= 1
        if (mark.writers === 0) mark.idle?.resolve()
      }
    }
  }

  /** Takes the marks of this processor whose writes have ended. Writes that begin now mark anew. */
  async take(): Promise<Mark[]> {
    const taken = [...this.#held.values()]
    this.#held.clear()
    const ready: Mark[] = []
    for (const mark of taken) {
      if (mark.writers > 0) {
        mark.idle = Promise.withResolvers()
        await mark.idle.promise
      }
      // Which version is in the database is unclear after a renewal that failed.
      if (!(await isSaved(mark))) this.#save([mark], Date.now())
      if (await isSaved(mark)) ready.push(mark)
      else if (!this.#held.has(mark.id)) this.#held.set(mark.id, mark)
    }
    return ready
  }

  /** Takes back marks whose roll-ups could not be made. */
  giveBack(marks: Mark[]): void {
    for (const mark of marks) {
      if (this.#held.has(mark.id) || !mark.id.startsWith(this.#instance)) continue
      const held = { ...mark, renewedAt: 0, saved: Promise.resolve(), writers: 0, idle: undefined }
      this.#held.set(mark.id, held)
    }
  }

  /** Removes marks whose roll-ups are made, unless they were renewed meanwhile. */
  async remove(marks: Mark[]): Promise<void> {
    if (marks.length === 0) return
    await this.#collection.bulkWrite(
      marks.map(({ id, version }) => ({ deleteOne: { filter: { _id: id, version } } })),
      { ordered: false },
    )
  }

  /**
   * The marks of other processors: those that are abandoned, or all of them, of which then only the abandoned ones may
   * be removed.
   */
  async ofOthers(which: 'abandoned' | 'all'): Promise<{ mark: Mark; abandoned: boolean }[]> {
    const found = await this.#collection
      .aggregate<MarkDocument & { abandoned: boolean }>([
        { $match: { instance: { $ne: this.#instance } } },
        { $set: { abandoned: { $lt: ['$touched', { $subtract: ['$$NOW', abandonedMs] }] } } },
        ...(which === 'all' ? [] : [{ $match: { abandoned: true } }]),
      ])
      .toArray()
    return found.map(({ _id, kind, at, version, abandoned }) => ({
      mark: { id: _id, kind, at: at.getTime(), version },
      abandoned,
    }))
  }

  /** The beginning of the oldest ten seconds that are not in the roll-ups yet, if there are any. */
  async oldest(): Promise<number | undefined> {
    const first = await Promise.all(
      kinds.map((kind) => this.#collection.findOne({ kind }, { sort: { at: 1 } })),
    )
    const times = first.flatMap((mark) => (mark === null ? [] : [mark.at.getTime()]))
    return times.length === 0 ? undefined : Math.min(...times)
  }

  /** How many marks wait, of all processors. */
  count(): Promise<number> {
    return this.#collection.estimatedDocumentCount()
  }

  #hold(kind: Kind, times: readonly number[]): Held[] {
    const held = new Map<number, Held>()
    const fresh: Held[] = []
    const now = Date.now()
    let previous = Number.NaN
    for (const time of times) {
      const at = floorTo('10s', time)
      if (at === previous || held.has(at)) continue
      previous = at
      const id = `${this.#instance}:${kind}:${at}`
      let mark = this.#held.get(id)
      if (mark === undefined) {
        mark = {
          ...{ id, kind, at, version: '', renewedAt: 0 },
          ...{ saved: Promise.resolve(), writers: 0, idle: undefined },
        }
        this.#held.set(id, mark)
      }
      if (now - mark.renewedAt > reliedOnMs) fresh.push(mark)
      held.set(at, mark)
    }
    if (fresh.length > 0) this.#save(fresh, now)
    return [...held.values()]
  }

  #save(marks: Held[], now: number): void {
    const version = randomUUID()
    const saved = this.#collection
      .bulkWrite(
        marks.map(({ id, kind, at }) => ({
          updateOne: {
            filter: { _id: id },
            update: [
              { $set: { kind, at: new Date(at), instance: this.#instance, version, touched: '$$NOW' } },
            ],
            upsert: true,
          },
        })),
        { ordered: false },
      )
      .then(
        () => undefined,
        (error) => {
          // The write that waits for it fails and is tried again: then the mark is new again.
          for (const mark of marks) mark.renewedAt = 0
          throw error
        },
      )
    // Whoever waits for it hears of it; if nobody does any more, nothing is lost.
    saved.catch(() => undefined)
    for (const mark of marks) Object.assign(mark, { version, renewedAt: now, saved })
  }
}

async function isSaved({ saved }: Held): Promise<boolean> {
  try {
    await saved
    return true
  } catch {
    return false
  }
}
