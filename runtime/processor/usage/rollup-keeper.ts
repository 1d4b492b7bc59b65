import type { Collection, Db, Document } from 'mongodb'
import type { Logger } from '../../log.ts'
import { pause } from '../../pause.ts'
import type { ProcessorMetrics } from '../metrics.ts'
import { Retention } from './retention.ts'
import { type Kind, kinds, rollupIndex, rollupKinds, rollupPipeline, rollupState } from './rollup-kinds.ts'
import type { Mark, RollupMarks } from './rollup-marks.ts'
import { restAfter } from './rollup-pace.ts'
import { bucketsOf, inPortions, type Portion } from './rollup-portions.ts'
import { floorTo, type Span, sourceOf, type Width, widthMs, widths } from './widths.ts'

/** The least time between two looks at what is behind. */
const everyMs = 2000

/** With more messages waiting than this, the database is left to those who write. */
const busyLag = 5000

const lookForAbandonedEveryMs = 30_000

/** Keeps the roll-ups equal to the documents, by summing up anew whatever has a mark. */
export class RollupKeeper {
  readonly #db: Db
  readonly #marks: RollupMarks
  readonly #metrics: ProcessorMetrics
  readonly #log: Logger
  #lookedForAbandonedAt = Number.NEGATIVE_INFINITY
  /** Nothing that is marked is older, or was marked by a processor that is gone. */
  #markedSince = Date.now()
  #tookAt = Date.now()

  constructor(db: Db, marks: RollupMarks, { metrics, log }: { metrics: ProcessorMetrics; log: Logger }) {
    this.#db = db
    this.#marks = marks
    this.#metrics = metrics
    this.#log = log
  }

  /** Makes the indexes, and marks what was stored before there were roll-ups, or before they were doubted. */
  async prepare(): Promise<void> {
    for (const kind of kinds) {
      await this.#db.collection(rollupKinds[kind].rollups).createIndex(rollupIndex)
    }
    await this.#marks.makeIndexes()
    const state = this.#db.collection<{ _id: string; at: Date }>(rollupState)
    if ((await state.findOne({ _id: 'began' })) !== null) return
    for (const kind of kinds) await this.#beginAnew(kind)
    await state.updateOne({ _id: 'began' }, { $set: { at: new Date() } }, { upsert: true })
  }

  /** Works until the signal says stop. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const startedAt = Date.now()
      await this.#pass(signal)
      await pause(Math.max(0, startedAt + everyMs - Date.now()), signal)
    }
  }

  /** Sums up all that is marked at this moment, and says for how many marks it failed. */
  async catchUp(
    signal: AbortSignal,
    rest: (workMs: number) => Promise<void> = async () => {},
  ): Promise<number> {
    let failed = 0
    // First, since this fails while the database is away: what is taken must be worked on or given back.
    const others = await this.#othersMarks()
    this.#markedSince = this.#tookAt
    this.#tookAt = Date.now()
    const own = await this.#marks.take()
    const removable = new Set([
      ...own,
      ...others.filter(({ abandoned }) => abandoned).map(({ mark }) => mark),
    ])
    const portions = inPortions([...own, ...others.map(({ mark }) => mark)])
    for (const [place, portion] of portions.entries()) {
      if (signal.aborted) {
        this.#marks.giveBack(portions.slice(place).flatMap(({ marks }) => marks))
        break
      }
      const startedAt = performance.now()
      try {
        await this.#sumUp(portion)
        await this.#marks.remove(portion.marks.filter((mark) => removable.has(mark)))
      } catch (error) {
        failed += portion.marks.length
        this.#metrics.rollupFailures.inc()
        this.#log.debug({ err: error }, 'a roll-up could not be made; it is tried again')
        this.#marks.giveBack(portion.marks)
      }
      const workMs = performance.now() - startedAt
      this.#metrics.rollupSeconds.observe(workMs / 1000)
      await rest(workMs)
    }
    return failed
  }

  async #pass(signal: AbortSignal): Promise<void> {
    try {
      await this.catchUp(signal, async (workMs) => {
        const behindMs = Date.now() - this.#markedSince
        await pause(restAfter(workMs, { busy: await this.#isBusy(), behindMs }), signal)
      })
      this.#metrics.rollupPending.set(await this.#marks.count())
    } catch (error) {
      // Whether the database is there is watched elsewhere; the marks are, so nothing is lost.
      this.#metrics.rollupFailures.inc()
      this.#log.debug({ err: error }, 'the roll-ups wait')
    }
  }

  async #isBusy(): Promise<boolean> {
    const { values } = await this.#metrics.lag.get()
    return values.reduce((sum, { value }) => sum + value, 0) > busyLag
  }

  /** All marks at the first look, so that after a crash the numbers are right at once; then the abandoned ones. */
  async #othersMarks(): Promise<{ mark: Mark; abandoned: boolean }[]> {
    const now = Date.now()
    if (now - this.#lookedForAbandonedAt < lookForAbandonedEveryMs) return []
    const first = this.#lookedForAbandonedAt === Number.NEGATIVE_INFINITY
    const found = await this.#marks.ofOthers(first ? 'all' : 'abandoned')
    this.#lookedForAbandonedAt = now
    return found
  }

  async #sumUp(portion: Portion): Promise<void> {
    for (const width of widths) await this.#sumUpWidth(portion.kind, width, bucketsOf(portion, width))
  }

  async #sumUpWidth(kind: Kind, width: Width, stretches: Span[]): Promise<void> {
    const { documents, rollups } = rollupKinds[kind]
    const source = sourceOf[width]
    const collection: Collection<Document> = this.#db.collection(source === undefined ? documents : rollups)
    const hint = source === undefined ? { ts: 1 } : rollupIndex
    const turn = await this.#takeTurn()
    await collection.aggregate(rollupPipeline(kind, { width, source, stretches, turn }), { hint }).toArray()
  }

  /** A number that nobody had before, which all who sum up take theirs from. */
  async #takeTurn(): Promise<number> {
    const taken = await this.#db
      .collection<{ _id: string; turn: number }>(rollupState)
      // What is written under this number later is on the disk only after the number is.
      .findOneAndUpdate(
        { _id: 'turns' },
        { $inc: { turn: 1 } },
        { upsert: true, returnDocument: 'after', writeConcern: { w: 1 } },
      )
    return taken?.turn ?? 0
  }

  /** Forgets all sums whose documents are there still, and has them made anew. */
  async #beginAnew(kind: Kind): Promise<void> {
    await this.#markAll(kind)
    const rollups = this.#db.collection(rollupKinds[kind].rollups)
    const keptFrom = await Retention.keptFrom(this.#db)
    if (keptFrom === undefined) {
      await rollups.deleteMany({})
      return
    }
    const day = { from: floorTo('day', keptFrom), to: floorTo('day', keptFrom) + widthMs.day }
    await rollups.deleteMany({ at: { $gte: new Date(keptFrom) } })
    await rollups.deleteMany({ width: 'day', at: new Date(day.from) })
    await this.#sumUpWidth(kind, 'day', [day])
  }

  /** Reads the times of all documents from the index, and marks each ten seconds as if by a processor that is gone. */
  async #markAll(kind: Kind): Promise<void> {
    const width = widthMs['10s']
    const at = { $toDate: { $subtract: [{ $toLong: '$ts' }, { $mod: [{ $toLong: '$ts' }, width] }] } }
    const id = { $concat: ['before:', kind, ':', { $toString: { $toLong: '$_id' } }] }
    await this.#db
      .collection(rollupKinds[kind].documents)
      .aggregate(
        [
          { $match: { ts: { $gte: new Date(0) } } },
          { $group: { _id: at } },
          {
            $project: {
              _id: id,
              kind,
              at: '$_id',
              instance: 'before',
              version: 'before',
              touched: new Date(0),
            },
          },
          { $merge: { into: 'rollup_marks', whenMatched: 'keepExisting' } },
        ],
        { hint: { ts: 1 }, allowDiskUse: true },
      )
      .toArray()
  }
}
