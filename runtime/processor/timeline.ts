import { windowMs } from '../cost.ts'
import { Block } from './block.ts'

/** What lies in the trailing window of one event, itself included. */
export interface WindowSum {
  tokens: number
  spanMs: number
}

/** How many blocks of a GPU are kept between batches: two for the newest window, and as many for late events. */
const blocksKept = 4

/** The number of the block that a time lies in. A window reaches over this block and the one before. */
export const blockOf = (time: number): number => Math.floor(time / windowMs)

/**
 * The recent events of one GPU, from which the sum over the trailing window of any event is taken.
 *
 * The window of an event holds the events that came earlier in its partition and are at most 30 s older than it by
 * their own time, itself included. What comes later in the partition, or is of a later time, does not count: that makes
 * the sum a function of the log alone, the same in every replay.
 */
export class Timeline {
  #blocks = new Map<number, Block>()
  /** The highest block that an event of this GPU lies in: there is nothing after it. */
  highest = Number.NEGATIVE_INFINITY
  #cursor = { block: Number.NaN, time: 0, place: 0, sum: 0, counted: 0 }

  has(number: number): boolean {
    return this.#blocks.has(number)
  }

  /** Takes the block as known: whatever is not added to it does not exist. */
  open(number: number, batch: number): Block {
    let block = this.#blocks.get(number)
    if (block === undefined) {
      block = new Block()
      this.#blocks.set(number, block)
    }
    block.lastUsed = batch
    if (number > this.highest) this.highest = number
    return block
  }

  /** Adds an event, whose block and the one before must be open, and sums up its window. */
  add(time: number, tokens: number, identity: number): WindowSum {
    const number = blockOf(time)
    const current = this.#blocks.get(number)
    const previous = this.#blocks.get(number - 1)
    if (current === undefined || previous === undefined) throw new TypeError(`block ${number} is not open`)
    const end = current.insert(time, tokens, identity)
    const inCurrent = end === current.length ? current.total : current.sum(0, end)
    const from = this.#advance(number, previous, time)
    const oldest = from.place < previous.length ? previous.timeAt(from.place) : current.timeAt(0)
    return { tokens: inCurrent + from.sum, spanMs: time - oldest }
  }

  /** Where the window begins in the block before, and the sum from there to that block's end. */
  #advance(number: number, previous: Block, time: number): { place: number; sum: number } {
    const cursor = this.#cursor
    const start = time - windowMs
    const known = cursor.block === number && time >= cursor.time && cursor.counted === previous.length
    if (known) {
      while (cursor.place < previous.length && previous.timeAt(cursor.place) < start) {
        cursor.sum -= previous.tokensAt(cursor.place)
        cursor.place += 1
      }
    } else {
      cursor.place = previous.firstFrom(start)
      cursor.sum = previous.sum(cursor.place, previous.length)
      cursor.counted = previous.length
      cursor.block = number
    }
    cursor.time = time
    return cursor
  }

  /** Forgets the blocks that were not needed for the longest; they can be read back from the database. */
  forgetOldest(): void {
    if (this.#blocks.size <= blocksKept) return
    const byUse = [...this.#blocks].sort(([a, left], [b, right]) => left.lastUsed - right.lastUsed || a - b)
    for (const [number] of byUse.slice(0, byUse.length - blocksKept)) this.#blocks.delete(number)
    this.#cursor.block = Number.NaN
  }
}
