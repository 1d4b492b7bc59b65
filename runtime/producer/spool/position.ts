import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'

/** Up to where the oldest segment has been acknowledged. */
export interface Position {
  segment: number
  offset: number
}

const Whole = v.pipe(v.number(), v.integer(), v.minValue(0))
const Written = v.pipe(v.string(), v.parseJson(), v.strictObject({ segment: Whole, offset: Whole }))

const pathIn = (directory: string) => join(directory, 'position')

/**
 * Reads what `writePosition` wrote last. Without it, or where it cannot be read, there is none: then what was
 * acknowledged already is sent once more, which changes nothing.
 */
export async function readPosition(directory: string): Promise<Position | undefined> {
  try {
    const parsed = v.safeParse(Written, await readFile(pathIn(directory), 'utf8'))
    return parsed.success ? parsed.output : undefined
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Replaces the position as a whole: a reader meets the old one or the new one. */
export async function writePosition(directory: string, position: Position): Promise<void> {
  const staged = `${pathIn(directory)}.staged`
  await writeFile(staged, JSON.stringify(position), { mode: 0o600 })
  await rename(staged, pathIn(directory))
}
