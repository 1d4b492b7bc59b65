import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { InventoryProgress } from '../../engine/inventory.ts'
import { sh } from '../../engine/shell.ts'
import { onController } from '../../inventory/lab/controller.ts'
import { hostPaths } from '../../inventory/lab/names.ts'
import type { LabSettings } from '../../inventory/lab/settings.ts'
import { readHosts } from '../../inventory/lab/state.ts'
import { declared } from './declared.ts'
import { onEveryTarget, type Target } from './targets.ts'

/** What the images of the clouds have, and Ansible's apt needs on every host. */
export const presentPackages = ['python3-apt']

/** A directory that apt takes for a repository: the declared packages, and what they need that a bare host lacks. */
export async function ensurePackages({
  settings,
  cacheDirectory,
  targets,
  configuration,
  progress,
}: {
  settings: LabSettings
  cacheDirectory: string
  targets: readonly Target[]
  configuration: string
  progress: InventoryProgress
}): Promise<string> {
  const [first] = targets
  const base = (await readHosts(settings)).get(first?.name ?? '')?.base
  if (first === undefined || base === undefined) throw new TypeError('there is no host to ask for packages')
  const wanted = [...declared.packages, ...presentPackages]
  const directory = join(cacheDirectory, `packages-${basename(base)}-${wanted.join('-')}`)
  if (existsSync(directory)) return directory
  progress(`fetching ${wanted.join(', ')} once, for all hosts`)
  await onEveryTarget(
    configuration,
    [first],
    sh`
      export DEBIAN_FRONTEND=noninteractive
      apt-get --quiet --quiet update
      apt-get --quiet --quiet --yes --no-install-recommends --download-only --option APT::Keep-Downloaded-Packages=true install ${wanted}`,
  )
  const unfinished = `${directory}.new`
  await rm(unfinished, { recursive: true, force: true })
  await mkdir(unfinished, { recursive: true })
  const archives = join(hostPaths(settings, first.name).merged, 'var/cache/apt/archives')
  const files = (await readdir(archives)).filter((file) => file.endsWith('.deb')).sort()
  const entries = await Promise.all(
    files.map(async (file) => {
      await copyFile(join(archives, file), join(unfinished, file))
      return indexEntry(unfinished, file)
    }),
  )
  await writeFile(join(unfinished, 'Packages'), entries.join('\n'))
  await rename(unfinished, directory)
  return directory
}

/** A package as apt's index has it: its own control fields, and where and what the file is. */
async function indexEntry(directory: string, file: string): Promise<string> {
  const path = join(directory, file)
  const { stdout: control } = await onController()`dpkg-deb --field ${path}`
  const content = await readFile(path)
  const digest = createHash('sha256').update(content).digest('hex')
  return `${control.trimEnd()}\nFilename: ./${file}\nSize: ${content.length}\nSHA256: ${digest}\n`
}
