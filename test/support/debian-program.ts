import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { withLock } from '../../inventory/lab/lock.ts'

/** Test files, each a process of its own, may miss the same program at once. */
const lock = '/run/sluice-test-apt.lock'
const patienceMs = 300_000

/**
 * Finds a program that a test drives, and installs its Debian package first where this runs as root. Returns why not
 * where it cannot be had; in CI that is an error, so that such tests cannot go missing unseen.
 */
export async function debianProgram(
  debianPackage: string,
  places: string[],
): Promise<{ path: string } | { missing: string }> {
  const find = () => places.find((place) => existsSync(place))
  let path = find()
  let why = 'this does not run as root, which could install it'
  if (path === undefined && process.getuid?.() === 0) {
    await withLock(lock, async () => {
      if (find() === undefined) why = await install(debianPackage)
    })
    path = find()
  }
  if (path !== undefined) return { path }
  const missing = `${places[0]} is missing: apt-get install --no-install-recommends ${debianPackage} (${why})`
  if (process.env.CI === 'true') throw new Error(missing)
  return { missing }
}

async function install(debianPackage: string): Promise<string> {
  const until = performance.now() + patienceMs
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' }
  const aptGet = async (...words: string[]) => {
    for (;;) {
      try {
        return await promisify(execFile)('apt-get', words, { env })
      } catch (error) {
        // A lab that misses packages, or the machine itself, may have apt at work: no option makes it wait for all locks.
        if (!/Could not get lock/.test(String(error)) || performance.now() > until) throw error
      }
      await sleep(1000)
    }
  }
  try {
    // Lists that are missing or old name files that are no longer there.
    await aptGet('update')
    await aptGet('install', '--yes', '--no-install-recommends', debianPackage)
    return `the package ${debianPackage} does not have it`
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
