import { existsSync } from 'node:fs'
import { readdir, rm, rmdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { SluiceError } from '../../engine/errors.ts'
import { labPaths } from './names.ts'
import { removeHostsDirectory } from './overlay.ts'
import { defaultParent, type LabSettings } from './settings.ts'
import { hasCode } from './system-error.ts'

/**
 * Makes sure that the lab's directory is the lab's: what is in it goes when the lab is taken down.
 *
 * @throws SluiceError LAB_UNAVAILABLE when it has other files in it
 */
export async function claimLabDirectory(settings: LabSettings): Promise<void> {
  const { directory } = settings
  if (!existsSync(directory) || existsSync(labPaths(settings).state)) return
  const files = await readdir(directory)
  if (files.length === 0) return
  throw new SluiceError('LAB_UNAVAILABLE', {
    subject: `${directory} is not empty, and no lab's: it has ${files.slice(0, 5).join(', ')} in it`,
    advice: 'name a directory that is not there yet: SLUICE_LAB_DIRECTORY',
  })
}

/** Removes the files of a lab, if there is one, and its directory. No host may run. */
export async function removeLabDirectory(settings: LabSettings): Promise<void> {
  const { state, identity, knownHosts } = labPaths(settings)
  if (!existsSync(state)) return
  await removeHostsDirectory(settings)
  // The state goes last: by it an interrupted removal is known as a lab's.
  for (const file of [identity, `${identity}.pub`, knownHosts, `${state}.new`, state])
    await rm(file, { force: true })
  await removeIfEmpty(settings.directory)
  if (dirname(settings.directory) === defaultParent) await removeIfEmpty(defaultParent)
}

/** Removes a directory unless something is in it, or it is gone already. */
export async function removeIfEmpty(directory: string): Promise<void> {
  try {
    await rmdir(directory)
  } catch (error) {
    if (!hasCode(error, 'ENOTEMPTY', 'ENOENT')) throw error
  }
}
