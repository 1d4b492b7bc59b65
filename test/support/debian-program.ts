import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'

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
    why = await install(debianPackage)
    path = find()
  }
  if (path !== undefined) return { path }
  const missing = `${places[0]} is missing: apt-get install --no-install-recommends ${debianPackage} (${why})`
  if (process.env.CI === 'true') throw new Error(missing)
  return { missing }
}

async function install(debianPackage: string): Promise<string> {
  const aptGet = (...words: string[]) =>
    promisify(execFile)('apt-get', words, { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } })
  try {
    // Lists that are missing or old name files that are no longer there.
    await aptGet('update')
    await aptGet('install', '--yes', '--no-install-recommends', debianPackage)
    return `the package ${debianPackage} does not have it`
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
