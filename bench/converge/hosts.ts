import { copyFile, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { InventoryProgress } from '../../engine/inventory.ts'
import { sh } from '../../engine/shell.ts'
import { bringUp, takeDown } from '../../inventory/lab/lifecycle.ts'
import { hostPaths } from '../../inventory/lab/names.ts'
import type { LabSettings } from '../../inventory/lab/settings.ts'
import { labInventory } from '../../inventory/lab.ts'
import { ensurePackages, presentPackages } from './packages.ts'
import { onEveryTarget, type Target, writeSshFiles } from './targets.ts'

/** Where the hosts have the packages that are to be installed. */
const repository = 'opt/packages'

/**
 * Lab hosts that no tool has touched yet. Their packages come from a directory of their own, so that a first run
 * measures the tool, not the mirror and the network.
 */
export async function freshHosts(
  settings: LabSettings,
  count: number,
  {
    directory,
    cacheDirectory,
    progress,
  }: { directory: string; cacheDirectory: string; progress: InventoryProgress },
): Promise<Target[]> {
  const quietly = () => {}
  await takeDown(settings, quietly)
  await bringUp(settings, count, quietly)
  const { hosts } = await labInventory(settings)
  const targets = hosts.map(({ identityFile, ...host }): Target => {
    if (identityFile === undefined) throw new TypeError(`${host.name} has no key to log in with`)
    return { ...host, identityFile }
  })
  const { configuration } = await writeSshFiles(directory, targets)
  const packages = await ensurePackages({ settings, cacheDirectory, targets, configuration, progress })
  for (const { name } of targets) await placeRepository(settings, name, packages)
  await onEveryTarget(
    configuration,
    targets,
    sh`
      export DEBIAN_FRONTEND=noninteractive
      apt-get --quiet --quiet update
      mkdir -p /var/lib/apt/periodic; : > /var/lib/apt/periodic/update-success-stamp
      apt-get --quiet --quiet --yes --no-install-recommends install ${presentPackages}`,
  )
  return targets
}

async function placeRepository(settings: LabSettings, host: string, packages: string): Promise<void> {
  const { merged } = hostPaths(settings, host)
  await mkdir(join(merged, repository), { recursive: true })
  for (const file of await readdir(packages)) {
    await copyFile(join(packages, file), join(merged, repository, file))
  }
  const source = `Types: deb\nURIs: file:/${repository}\nSuites: ./\nTrusted: yes\n`
  // The one source of a lab host: what the controller's own are.
  await writeFile(join(merged, 'etc/apt/sources.list.d/0000controller.sources'), source)
}
