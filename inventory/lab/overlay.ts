import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ProcessOutput } from 'zx'
import { SluiceError } from '../../engine/errors.ts'
import type { InventoryProgress } from '../../engine/inventory.ts'
import { onController } from './controller.ts'
import { hostPaths, labPaths } from './names.ts'
import type { LabSettings } from './settings.ts'

/** Whether something is mounted on a directory. */
export async function isMounted(directory: string): Promise<boolean> {
  return mountPoints(await readFile('/proc/self/mounts', 'utf8')).includes(directory)
}

/** The directories of a mount table, in its order. */
function mountPoints(table: string): string[] {
  return table
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .map((path) =>
      path.replaceAll(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))),
    )
}

/**
 * Makes the directory of the hosts' files. Where its file system cannot carry an overlay's upper layer (it is itself
 * an overlay, as in a container), memory takes its place.
 */
export async function makeHostsDirectory(
  settings: LabSettings,
  base: string,
  progress: InventoryProgress,
): Promise<void> {
  const { hosts } = labPaths(settings)
  await mkdir(hosts, { recursive: true, mode: 0o755 })
  if (await canCarryOverlay(hosts, base)) return
  progress(`the file system of ${hosts} cannot carry overlays: the hosts' files are kept in memory instead`)
  await onController()`mount -t tmpfs -o mode=0755 sluice-lab ${hosts}`
}

/** Removes the directory of the hosts' files, with all that is mounted on it or below. No host may run. */
export async function removeHostsDirectory(settings: LabSettings): Promise<void> {
  const { hosts } = labPaths(settings)
  const points = mountPoints(await readFile('/proc/self/mounts', 'utf8'))
  for (const point of points.reverse()) {
    if (point === hosts || point.startsWith(`${hosts}/`)) await unmount(point)
  }
  await rm(hosts, { recursive: true, force: true })
}

/** Puts a host's file system together: its own layer over the base. */
export async function mountHost(settings: LabSettings, host: string, base: string): Promise<void> {
  const { root, merged } = hostPaths(settings, host)
  if (await isMounted(merged)) return
  await mkdir(merged, { recursive: true })
  const { exitCode, stderr } = await mountOverlay(base, root)
  if (exitCode === 0) return
  throw new SluiceError('LAB_FAILED', {
    subject: `the file system of ${host} cannot be put together`,
    at: root,
    why: existsSync(base) ? stderr : `the base image below it is gone: ${base}`,
    advice: 'make the lab anew: npm run lab -- down, and up',
  })
}

export async function unmountHost(settings: LabSettings, host: string): Promise<void> {
  const { merged } = hostPaths(settings, host)
  if (await isMounted(merged)) await unmount(merged)
}

async function canCarryOverlay(directory: string, base: string): Promise<boolean> {
  const trial = await mkdtemp(join(directory, '.trial-'))
  for (const name of ['upper', 'work', 'merged']) await mkdir(join(trial, name))
  const { exitCode } = await mountOverlay(base, trial)
  if (exitCode === 0) await unmount(join(trial, 'merged'))
  await rm(trial, { recursive: true })
  return exitCode === 0
}

/** Mounts `directory`/upper over the base at `directory`/merged. */
async function mountOverlay(base: string, directory: string): Promise<ProcessOutput> {
  const [upper, work, merged] = ['upper', 'work', 'merged'].map((name) => join(directory, name))
  const options = `lowerdir=${base},upperdir=${upper},workdir=${work}`
  return onController(undefined, { nothrow: true })`mount -t overlay -o ${options} sluice-lab ${merged}`
}

/** A process that has just ended may hold a mount for another moment. */
export async function unmount(directory: string): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const { exitCode, stderr } = await onController(undefined, { nothrow: true })`umount ${directory}`
    if (exitCode === 0) return
    if (tries < 20 && stderr.includes('busy')) {
      await sleep(50)
      continue
    }
    throw new SluiceError('LAB_FAILED', {
      subject: `${directory} cannot be unmounted`,
      why: stderr,
      advice: `find who uses it (fuser -vm ${directory}), end that and try again`,
    })
  }
}
