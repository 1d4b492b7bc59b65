import { delimiter } from 'node:path'
import { $, type Options, type Shell } from 'zx'

const systemPaths = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/local/bin', '/usr/bin', '/bin']

/**
 * The directories of commands: those of the system come first, because npm puts the commands of packages before
 * them, and one of these may well be called `nft` too.
 */
export function commandDirectories(): string[] {
  const own = (process.env.PATH ?? '').split(delimiter).filter((directory) => directory !== '')
  return [...new Set([...systemPaths, ...own])]
}

/**
 * Runs commands on this machine, silently and with English messages; `signal` ends them at once. A Ctrl-C reaches
 * this process only, which then decides what may be cut short and what has to be finished.
 */
export function onController(signal?: AbortSignal, options: Partial<Options> = {}): Shell<false> {
  return $({
    quiet: true,
    detached: true,
    env: { ...process.env, LC_ALL: 'C', PATH: commandDirectories().join(delimiter) },
    ...(signal === undefined ? {} : { signal, killSignal: 'SIGKILL' }),
    ...options,
  })
}
