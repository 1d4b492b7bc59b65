import { mkdir, readFile } from 'node:fs/promises'
import type { Logger } from '../../log.ts'
import { reasonOf } from '../../reason.ts'
import { lockDirectory, SpoolError } from './lock.ts'
import { type Position, readPosition, writePosition } from './position.ts'
import { decodeRecord, encodeRecord, type SpooledEvent, skipDamage } from './record.ts'
import { keepDamaged, listSegments, removeSegment, type Segment, segmentPath } from './segments.ts'
import { SegmentWriter } from './writer.ts'

/** A segment of this size is closed and another one begun: what is read at once, and what is freed at once. */
const segmentBytes = 4 * 1024 * 1024

/** The oldest events of a spool, and where they end. */
export interface Portion {
  events: SpooledEvent[]
  /** Whether a process before this one wrote them. */
  earlier: boolean
  segment: Segment
  end: number
}

/** The segment that is read, in memory. */
interface Head {
  segment: Segment
  bytes: Buffer
  offset: number
}

/**
 * Events on disk, in the order in which they came: bounded, taken from the oldest on, kept until they are said to be
 * acknowledged, and there again after a crash. Calls wait for one another.
 */
export class Spool {
  readonly directory: string
  readonly limitBytes: number
  readonly #log: Logger
  readonly #unlock: () => Promise<void>
  readonly #firstOwn: number
  #waiting: Segment[]
  #head: Head | undefined
  #writer: SegmentWriter | undefined
  #next: number
  #queue: Promise<unknown> = Promise.resolve()
  #lost = 0

  private constructor(
    { directory, limitBytes, log }: { directory: string; limitBytes: number; log: Logger },
    { waiting, next, unlock }: { waiting: Segment[]; next: number; unlock: () => Promise<void> },
  ) {
    this.directory = directory
    this.limitBytes = limitBytes
    this.#log = log
    this.#unlock = unlock
    this.#waiting = waiting
    this.#next = next
    this.#firstOwn = next
  }

  /** @throws SpoolError when the directory cannot be used, or another process uses it */
  static async open(options: { directory: string; limitBytes: number; log: Logger }): Promise<Spool> {
    const { directory } = options
    try {
      await mkdir(directory, { recursive: true, mode: 0o750 })
      const unlock = await lockDirectory(directory)
      const waiting = await listSegments(directory)
      const position = await readPosition(directory)
      const next = Math.max(waiting.at(-1)?.number ?? 0, position?.segment ?? 0) + 1
      const spool = new Spool(options, { waiting, next, unlock })
      const [oldest] = waiting
      if (oldest !== undefined && position?.segment === oldest.number) {
        await spool.#load(position.offset)
      }
      return spool
    } catch (error) {
      if (error instanceof SpoolError) throw error
      const why = reasonOf(error)
      throw new SpoolError(
        `the spool ${directory} cannot be used: ${why}`,
        'set SPOOL_DIR to a directory that this account may write to',
        error,
      )
    }
  }

  /** Bytes on disk that are not freed yet. */
  get bytes(): number {
    const waiting = this.#waiting.reduce((sum, { bytes }) => sum + bytes, 0)
    return waiting + (this.#writer?.bytes ?? 0)
  }

  get empty(): boolean {
    return this.#waiting.length === 0 && (this.#writer?.bytes ?? 0) === 0
  }

  /** Events that were kept and cannot be read, as many as were come across. */
  get lost(): number {
    return this.#lost
  }

  /** Adds events behind all others. Returns whether there was room for them: if not, none of them is kept. */
  append(events: readonly SpooledEvent[]): Promise<boolean> {
    return this.#inTurn(async () => {
      const records = Buffer.concat(events.map(encodeRecord))
      if (this.bytes + records.length > this.limitBytes) return false
      try {
        this.#writer ??= await SegmentWriter.begin(this.directory, this.#next++)
        await this.#writer.append(records)
      } catch (error) {
        this.#log.error({ err: error, spool: this.directory }, 'the spool cannot be written')
        await this.#closeWriter()
        return false
      }
      if (this.#writer.bytes >= segmentBytes) await this.#closeWriter()
      return true
    })
  }

  /** The oldest events, at least one and at most as many; `undefined` when there are none. They stay where they are. */
  peek({
    events: mostEvents,
    bytes: mostBytes,
  }: {
    events: number
    bytes: number
  }): Promise<Portion | undefined> {
    return this.#inTurn(async () => {
      for (;;) {
        if (this.#waiting.length === 0) await this.#closeWriter()
        if (this.#head === undefined) await this.#load(0)
        const head = this.#head
        if (head === undefined) return undefined
        const events: SpooledEvent[] = []
        let end = head.offset
        while (events.length < mostEvents && end - head.offset < mostBytes) {
          const read = decodeRecord(head.bytes, end)
          if ('end' in read) break
          events.push(read.event)
          end = read.next
        }
        if (events.length > 0) {
          return { events, earlier: head.segment.number < this.#firstOwn, segment: head.segment, end }
        }
        if (!(await this.#skipDamage(head))) await this.#leave(head)
      }
    })
  }

  /** Lets go of what `peek` gave last. */
  forget({ segment, end }: Portion): Promise<void> {
    return this.#inTurn(async () => {
      const head = this.#head
      if (head?.segment !== segment) throw new TypeError('only what was taken last can be forgotten')
      head.offset = end
      if (end === head.bytes.length) await this.#leave(head)
      else await this.#remember({ segment: segment.number, offset: end })
    })
  }

  /** Events that wait, by topic. Reads all of them. */
  count(): Promise<Record<string, number>> {
    return this.#inTurn(async () => {
      await this.#closeWriter()
      const counts: Record<string, number> = {}
      for (const segment of this.#waiting) {
        const head = this.#head?.segment === segment ? this.#head : undefined
        const bytes = head?.bytes ?? (await readFile(segmentPath(this.directory, segment.number)))
        for (let place = head?.offset ?? 0; ; ) {
          const read = decodeRecord(bytes, place)
          if ('end' in read && read.end === 'damaged') {
            place = skipDamage(bytes, place).next
            continue
          }
          if ('end' in read) break
          counts[read.event.topic] = (counts[read.event.topic] ?? 0) + 1
          place = read.next
        }
      }
      return counts
    })
  }

  /** Ends the use of the directory. What is in it stays. */
  close(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#closeWriter()
      await this.#unlock()
    })
  }

  /** Without a position the same events are sent again by the next run, which changes nothing: a full disk is no end. */
  async #remember(position: Position): Promise<void> {
    try {
      await writePosition(this.directory, position)
    } catch (error) {
      this.#log.warn({ err: error, spool: this.directory }, 'how far the spool is sent could not be written')
    }
  }

  async #load(offset: number): Promise<void> {
    const [segment] = this.#waiting
    if (segment === undefined) return
    const bytes = await readFile(segmentPath(this.directory, segment.number))
    this.#head = { segment, bytes, offset: Math.min(offset, bytes.length) }
  }

  /** Goes on behind a part that is not what was written; says whether there was one. */
  async #skipDamage(head: Head): Promise<boolean> {
    const { segment, bytes, offset } = head
    const read = decodeRecord(bytes, offset)
    if (!('end' in read) || read.end !== 'damaged') return false
    const { next, lost } = skipDamage(bytes, offset)
    head.offset = next
    this.#lost += lost
    const where = { spool: this.directory, segment: segment.number, offset, bytes: next - offset, lost }
    this.#log.error(where, 'A PART OF THE SPOOL IS DAMAGED: its events are lost, those behind it are not')
    try {
      await keepDamaged(this.directory, segment)
    } catch (error) {
      this.#log.error({ err: error, ...where }, 'the damaged part of the spool could not be kept')
    }
    await this.#remember({ segment: segment.number, offset: next })
    return true
  }

  /** Nothing more can be read of the oldest segment. */
  async #leave({ segment, bytes, offset }: Head): Promise<void> {
    const read = decodeRecord(bytes, offset)
    if ('end' in read && read.end === 'torn') {
      // A crash in the middle of writing: nobody was told that these events are kept.
      const where = { segment: segment.number, offset, bytes: bytes.length - offset }
      this.#log.warn(where, 'the last record of a segment was cut short by a crash')
    }
    await removeSegment(this.directory, segment)
    this.#waiting.shift()
    this.#head = undefined
  }

  /** Closes the segment that is written to, so that it can be read. */
  async #closeWriter(): Promise<void> {
    const writer = this.#writer
    if (writer === undefined) return
    this.#writer = undefined
    await writer.close()
    this.#waiting.push({ number: writer.number, bytes: writer.bytes })
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#queue.then(work)
    this.#queue = turn.catch(() => undefined)
    return turn
  }
}
