import { accessSync } from 'node:fs'

/**
 * Whether this user may use a file so.
 *
 * @param mode as of `access(2)`: `constants.R_OK`, `constants.X_OK`
 */
export function isAccessible(path: string, mode: number): boolean {
  try {
    accessSync(path, mode)
    return true
  } catch {
    return false
  }
}
