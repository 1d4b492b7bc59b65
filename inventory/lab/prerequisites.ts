import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { reasonOf, SluiceError } from '../../engine/errors.ts'
import type { InventoryProgress } from '../../engine/inventory.ts'
import { commandDirectories, onController } from './controller.ts'
import { withLock } from './lock.ts'
import { machineLock } from './machine.ts'

/** A command that the lab runs, and the Debian package that it comes from. */
const needed: readonly (readonly [command: string, package_: string])[] = [
  ['systemd-nspawn', 'systemd-container'],
  ['mmdebstrap', 'mmdebstrap'],
  ['ip', 'iproute2'],
  ['nft', 'nftables'],
  ['ssh-keygen', 'openssh-client'],
  ['setsid', 'util-linux'],
]

/** The packages that are missing on this machine, by which commands are there. */
export function missingPackages(isThere: (command: string) => boolean = commandExists): string[] {
  return needed.filter(([command]) => !isThere(command)).map(([, package_]) => package_)
}

/**
 * Makes sure that this machine can run a lab: Linux, root, and the packages, which are installed where they miss.
 *
 * @throws SluiceError LAB_UNAVAILABLE with what to type
 */
export async function ensurePrerequisites(progress: InventoryProgress, signal?: AbortSignal): Promise<void> {
  if (process.platform !== 'linux') {
    throw unavailable(`the lab runs on Linux, and this is ${process.platform}`, {
      advice: 'use a Linux machine, or another inventory: sluice inventory list',
    })
  }
  const missing = missingPackages()
  const install = ['apt-get', 'install', '--yes', '--no-install-recommends', ...missing]
  if (missing.length > 0 && !commandExists('apt-get')) {
    throw unavailable(`the lab needs ${missing.join(', ')}, and this machine has no apt to install it`, {
      advice: 'install what these Debian packages hold by the means of this system, and try again',
    })
  }
  if (process.getuid?.() !== 0) {
    throw unavailable('the lab makes network bridges, mounts and containers, for which it must be root', {
      advice: `${missing.length > 0 ? `sudo apt-get update && sudo ${install.join(' ')}; then ` : ''}sudo -E env "PATH=$PATH" npm run lab -- up`,
    })
  }
  if (missing.length === 0) return
  await withLock(
    machineLock,
    async () => {
      // Another lab may have had them installed meanwhile.
      if (missingPackages().length === 0) return
      progress(`installing ${missing.join(', ')}, which the lab needs on this machine`)
      try {
        await onController(signal)`export DEBIAN_FRONTEND=noninteractive; apt-get update -q && ${install}`
      } catch (error) {
        signal?.throwIfAborted()
        throw unavailable(`installing ${missing.join(', ')} failed`, {
          why: reasonOf(error),
          advice: `look into it with: apt-get update && ${install.join(' ')}`,
        })
      }
    },
    { signal, onWait: () => progress('waiting for another lab that installs what labs need') },
  )
}

function commandExists(command: string): boolean {
  return commandDirectories().some((directory) => existsSync(join(directory, command)))
}

function unavailable(subject: string, rest: { why?: string; advice: string }): SluiceError {
  return new SluiceError('LAB_UNAVAILABLE', { subject, ...rest })
}
