import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { $ } from 'zx'
import { withLock } from '../../inventory/lab/lock.ts'

/** Where virtual environments of the tests are kept between runs. */
const venvs = process.env.SLUICE_TEST_VENVS ?? join(homedir(), '.cache', 'sluice', 'test-venvs')

/**
 * A virtual environment of Python with these packages in it, made where it is not there yet.
 *
 * @param packages the first one, with its version, names the environment
 * @param program what it is made for: its path is returned
 */
export async function pythonProgram(packages: readonly string[], program: string): Promise<string> {
  const venv = join(venvs, packages[0]?.replace('==', '-') ?? program)
  const path = join(venv, 'bin', program)
  // Written last, so that one that was broken off is made anew.
  const complete = join(venv, 'complete')
  if (existsSync(complete)) return path
  mkdirSync(venvs, { recursive: true })
  // Several test files, each a process of its own, may want the same one at once.
  await withLock(`${venv}.lock`, async () => {
    if (existsSync(complete)) return
    rmSync(venv, { recursive: true, force: true })
    const run = $({ quiet: true })
    await run`python3 -m venv ${venv}`
    await run`${join(venv, 'bin', 'pip')} install --quiet --disable-pip-version-check ${packages}`
    await run`touch ${complete}`
  })
  return path
}
