import { homedir } from 'node:os'
import { join } from 'node:path'

/** Where Sluice keeps what can be had again: `SLUICE_CACHE`, else below the user's own cache directory. */
export function cacheDirectory({ SLUICE_CACHE: own, XDG_CACHE_HOME: users }: NodeJS.ProcessEnv): string {
  if (own) return own
  // XDG says that a relative path there is to be ignored.
  return join(users?.startsWith('/') ? users : join(homedir(), '.cache'), 'sluice')
}
