import { type FileHandle, open } from 'node:fs/promises'
import { segmentPath, syncDirectory } from './segments.ts'

/** The segment that records are added to. */
export class SegmentWriter {
  readonly number: number
  readonly #handle: FileHandle
  #bytes = 0

  private constructor(number: number, handle: FileHandle) {
    this.number = number
    this.#handle = handle
  }

  /** Begins a segment that must not be there yet. */
  static async begin(directory: string, number: number): Promise<SegmentWriter> {
    const handle = await open(segmentPath(directory, number), 'wx', 0o600)
    await syncDirectory(directory)
    return new SegmentWriter(number, handle)
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Adds records; they are on the disk when this returns. When it throws, none of them counts. */
  async append(records: Buffer): Promise<void> {
    try {
      for (let written = 0; written < records.length; ) {
        const { bytesWritten } = await this.#handle.write(
          records,
          written,
          records.length - written,
          this.#bytes + written,
        )
        written += bytesWritten
      }
      await this.#handle.datasync()
      this.#bytes += records.length
    } catch (error) {
      // A full disk may have taken a part. What cannot be cut off reads as a record cut short, and ends the segment.
      await this.#handle.truncate(this.#bytes)
      throw error
    }
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }
}
