import { link, open, readdir, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'

/** A file of records that nothing is written to any more. */
export interface Segment {
  number: number
  bytes: number
}

const namePattern = /^(\d{12})\.spool$/

export const segmentPath = (directory: string, number: number): string =>
  join(directory, `${String(number).padStart(12, '0')}.spool`)

/** The segments of a directory, the oldest first. */
export async function listSegments(directory: string): Promise<Segment[]> {
  const numbers = (await readdir(directory))
    .map((name) => namePattern.exec(name)?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number)
    .sort((a, b) => a - b)
  return Promise.all(
    numbers.map(async (number) => ({ number, bytes: (await stat(segmentPath(directory, number))).size })),
  )
}

/** Removes a segment whose records are all acknowledged. */
export async function removeSegment(directory: string, { number }: Segment): Promise<void> {
  await unlink(segmentPath(directory, number))
}

/** Gives a segment that is damaged a second name, which stays for a person to look at. Returns that. */
export async function keepDamaged(directory: string, { number }: Segment): Promise<string> {
  const path = segmentPath(directory, number)
  const kept = `${path}.damaged`
  try {
    await link(path, kept)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  return kept
}

/** Makes the entries of a directory outlive a loss of power. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
