import type { TopicPartitionOffset } from 'kafkajs'
import type { Logger } from '../log.ts'
import { pause } from '../pause.ts'

/** How long what is written waits for the commits of other partitions: a commit costs Kafka about a millisecond. */
const gatherMs = 100

/** A Kafka that is away is not waited for at the end: the successor reads again what is not committed. */
const longestLastMs = 3000

interface Parts {
  commit: (offsets: TopicPartitionOffset[]) => Promise<void>
  log: Logger
}

/**
 * Commits offsets behind the work, those of all partitions at once. What a crash leaves uncommitted is read and written
 * again, which changes nothing.
 */
export class OffsetCommits {
  readonly #parts: Parts
  /** The newest offset of each partition that is not committed yet. */
  #waiting = new Map<string, TopicPartitionOffset>()
  #timer: NodeJS.Timeout | undefined
  #underWay: Promise<void> | undefined
  #closed = false

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Everything of the partition before the offset is written. */
  note(offset: TopicPartitionOffset): void {
    this.#waiting.set(`${offset.topic}:${offset.partition}`, offset)
    this.#schedule()
  }

  /** To be called when partitions may be another's from now on, who then commits for them. */
  forget(): void {
    // A new map, so that a commit under way puts nothing back.
    this.#waiting = new Map()
  }

  /** Commits what waits, as far as Kafka is there, and then nothing by itself any more. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    const over = new AbortController()
    await Promise.race([this.#last(), pause(longestLastMs, over.signal)])
    over.abort()
  }

  async #last(): Promise<void> {
    await this.#underWay
    await this.#commit()
  }

  #schedule(): void {
    if (this.#closed || this.#timer !== undefined || this.#underWay !== undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#underWay = this.#commit().finally(() => {
        this.#underWay = undefined
        if (this.#waiting.size > 0) this.#schedule()
      })
    }, gatherMs)
  }

  async #commit(): Promise<void> {
    const { commit, log } = this.#parts
    const waiting = this.#waiting
    const offsets = [...waiting]
    if (offsets.length === 0) return
    try {
      await commit(offsets.map(([, offset]) => offset))
      for (const [partition, offset] of offsets) {
        if (waiting.get(partition) === offset) waiting.delete(partition)
      }
    } catch (error) {
      log.warn({ err: error }, 'offsets could not be committed; it is tried again')
    }
  }
}
