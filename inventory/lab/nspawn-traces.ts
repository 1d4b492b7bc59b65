import { existsSync, statSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { SluiceError } from '../../engine/errors.ts'
import { onController } from './controller.ts'
import { hostPaths, machineName } from './names.ts'
import { isMounted, unmount } from './overlay.ts'
import type { LabSettings } from './settings.ts'
import { hasCode } from './system-error.ts'

/** Where nspawn keeps what belongs to running machines, a directory for each purpose. */
export const nspawnDirectory = '/run/systemd/nspawn'

/**
 * Removes what nspawn had no time to remove when the power of its host was cut. Its lock is named for the root
 * directory of the host, which must still be mounted.
 */
export async function removeNspawnTraces(settings: LabSettings, host: string): Promise<void> {
  const root = statSync(hostPaths(settings, host).merged, { throwIfNoEntry: false })
  if (root !== undefined) {
    await rm(join(nspawnDirectory, 'locks', `inode-${root.dev}:${root.ino}`), { force: true })
  }
  for (const purpose of await namesIn(nspawnDirectory)) {
    const left = join(nspawnDirectory, purpose, machineName(settings, host))
    if (await isMounted(left)) await unmount(left)
    await rm(left, { recursive: true, force: true })
  }
  await removeCable(`vb-${machineName(settings, host)}`)
}

/**
 * The kernel takes a cable away some time after the last process of its host: a host of the same name that starts
 * before that would find its name taken.
 */
async function removeCable(cable: string): Promise<void> {
  if (!existsSync(`/sys/class/net/${cable}`)) return
  // It may go by itself in this very moment.
  const { exitCode, stderr } = await onController(undefined, { nothrow: true })`ip link delete dev ${cable}`
  if (exitCode !== 0 && existsSync(`/sys/class/net/${cable}`)) {
    throw new SluiceError('LAB_FAILED', {
      subject: `the cable of a host that is gone cannot be removed: ${cable}`,
      why: stderr,
      advice: `ip link delete dev ${cable}, then try again`,
    })
  }
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  }
}
