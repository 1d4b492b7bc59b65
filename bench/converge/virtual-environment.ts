import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { InventoryProgress } from '../../engine/inventory.ts'
import { onController } from '../../inventory/lab/controller.ts'

const requirements = join(import.meta.dirname, 'requirements.txt')

export interface VirtualEnvironment {
  /** Where its commands are. */
  commands: string
  /** Mitogen's strategies for Ansible. */
  mitogenStrategies: string
  python: string
}

/** Python with the peers in it, made below `cacheDirectory` when it is not there yet. */
export async function ensureVirtualEnvironment(
  cacheDirectory: string,
  progress: InventoryProgress,
): Promise<VirtualEnvironment> {
  const wanted = await readFile(requirements, 'utf8')
  const digest = createHash('sha256').update(wanted).digest('hex').slice(0, 12)
  const directory = join(cacheDirectory, `python-${digest}`)
  const commands = join(directory, 'bin')
  const complete = join(directory, 'complete')
  const run = onController()
  if (!existsSync(complete)) {
    progress(`installing ${wanted.trim().split('\n').join(', ')} from PyPI`)
    await rm(directory, { recursive: true, force: true })
    await mkdir(cacheDirectory, { recursive: true })
    await run`python3 -m venv ${directory}`
    await run`${join(commands, 'pip')} install --quiet --requirement ${requirements}`
    await writeFile(complete, wanted)
  }
  const python = join(commands, 'python')
  const where = 'import os, ansible_mitogen; print(os.path.dirname(ansible_mitogen.__file__))'
  const mitogen = (await run`${python} -c ${where}`).stdout.trim()
  return { commands, python, mitogenStrategies: join(mitogen, 'plugins', 'strategy') }
}
