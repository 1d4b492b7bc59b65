import { windowMs } from '../cost.ts'
import type { TokenUsage } from '../messages.ts'
import { blockOf, Timeline, type WindowSum } from './timeline.ts'

/** A stored event, as much of it as a window needs. */
export interface StoredUsage {
  id: string
  time: number
  gpu: string
  tokens: number
}

/** The events of a partition that were stored from before `beforeOffset`, of times in [`from`, `to`). */
export type LoadUsage = (wanted: {
  beforeOffset: number
  from: number
  to: number
}) => AsyncIterable<StoredUsage>

/** One event on its way: its identity is the document's `_id`. */
export interface UsageEvent {
  id: string
  gpu: string
  message: TokenUsage
}

/** More GPUs than this in one partition, and the windows are read anew from the database rather than kept. */
const timelinesKept = 10_000

/** FNV-1a. Two events are taken for one only if also time, GPU and tokens are the same. */
function identityOf(id: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < id.length; index += 1) {
    hash = Math.imul(hash ^ id.charCodeAt(index), 0x01000193)
  }
  return hash | 0
}

/**
 * The windows of all GPUs of one partition. They are a cache of what is stored: whatever is not in memory (after a
 * start, a rebalance, or because an event is very late) is read back, so that a replay computes the same numbers.
 */
export class PartitionWindows {
  #timelines = new Map<string, Timeline>()
  #nextOffset: number | undefined
  /** From this block on, everything that was stored is in memory or was found not to exist. */
  #knownFrom = Number.POSITIVE_INFINITY
  #batch = 0
  readonly #load: LoadUsage

  constructor(load: LoadUsage) {
    this.#load = load
  }

  /**
   * Sums up the windows of the events of a batch, in their order.
   *
   * @param firstOffset where the batch begins; everything before it must be stored already
   * @param nextOffset where the batch after it begins
   */
  async add(events: UsageEvent[], firstOffset: number, nextOffset: number): Promise<WindowSum[]> {
    if (this.#nextOffset !== firstOffset) this.#forgetAll()
    // Left undefined until all is done, so that a batch that fails half-way is not counted twice.
    this.#nextOffset = undefined
    this.#batch += 1
    if (events.length > 0) {
      await this.#know(events, firstOffset)
      await this.#openBlocks(events, firstOffset)
    }
    const sums = events.map(({ id, gpu, message }) =>
      this.#timeline(gpu).add(
        message.ts.getTime(),
        message.prompt_tokens + message.completion_tokens,
        identityOf(id),
      ),
    )
    this.#nextOffset = nextOffset
    return sums
  }

  /** To be called when a batch is stored: what was summed up may now be forgotten, since it can be read back. */
  settle(): void {
    if (this.#timelines.size > timelinesKept) this.#forgetAll()
    for (const timeline of this.#timelines.values()) timeline.forgetOldest()
  }

  /** To be called when a batch was not stored: it will come again. */
  abandon(): void {
    this.#forgetAll()
  }

  #forgetAll(): void {
    this.#timelines.clear()
    this.#nextOffset = undefined
    this.#knownFrom = Number.POSITIVE_INFINITY
  }

  #timeline(gpu: string): Timeline {
    let timeline = this.#timelines.get(gpu)
    if (timeline === undefined) {
      timeline = new Timeline()
      this.#timelines.set(gpu, timeline)
    }
    return timeline
  }

  async #know(events: UsageEvent[], firstOffset: number): Promise<void> {
    if (this.#knownFrom !== Number.POSITIVE_INFINITY) return
    if (firstOffset === 0) {
      this.#knownFrom = Number.NEGATIVE_INFINITY
      return
    }
    let oldest = Number.POSITIVE_INFINITY
    for (const { message } of events) oldest = Math.min(oldest, message.ts.getTime())
    const from = blockOf(oldest) - 1
    const stored = this.#load({
      beforeOffset: firstOffset,
      from: from * windowMs,
      to: Number.POSITIVE_INFINITY,
    })
    await this.#restore(stored)
    this.#knownFrom = from
  }

  async #openBlocks(events: UsageEvent[], firstOffset: number): Promise<void> {
    const missing = new Map<number, Set<string>>()
    for (const { gpu, message } of events) {
      const timeline = this.#timeline(gpu)
      const last = blockOf(message.ts.getTime())
      for (let number = last - 1; number <= last; number += 1) {
        const unknown = !timeline.has(number) && (number <= timeline.highest || number < this.#knownFrom)
        if (unknown) missing.set(number, (missing.get(number) ?? new Set()).add(gpu))
        timeline.open(number, this.#batch)
      }
    }
    for (const [number, gpus] of missing) {
      const from = number * windowMs
      const stored = this.#load({ beforeOffset: firstOffset, from, to: from + windowMs })
      await this.#restore(stored, gpus)
    }
  }

  /** Takes in what is stored, one event after the other: a dense window is large. */
  async #restore(stored: AsyncIterable<StoredUsage>, gpus?: ReadonlySet<string>): Promise<void> {
    for await (const { id, time, gpu, tokens } of stored) {
      if (gpus !== undefined && !gpus.has(gpu)) continue
      this.#timeline(gpu).open(blockOf(time), this.#batch).insert(time, tokens, identityOf(id))
    }
  }
}
