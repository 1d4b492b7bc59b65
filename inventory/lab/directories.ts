import { rmdir } from 'node:fs/promises'
import { hasCode } from './system-error.ts'

/** Removes a directory unless something is in it, or it is gone already. */
export async function removeIfEmpty(directory: string): Promise<void> {
  try {
    await rmdir(directory)
  } catch (error) {
    if (!hasCode(error, 'ENOTEMPTY', 'ENOENT')) throw error
  }
}
