import { existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { limitMemory } from './cgroup-memory.ts'
import type { LabSettings } from './settings.ts'
import { hasCode } from './system-error.ts'

interface Hierarchy {
  path: string
  version: 1 | 2
}

const controllers = ['memory', 'cpu', 'pids']

/** The cgroup hierarchies, of those that a host needs, in a mount table (`/proc/mounts`). */
export function parseHierarchies(mounts: string): Hierarchy[] {
  return mounts.split('\n').flatMap((line): Hierarchy[] => {
    const [, path = '', type, options = ''] = line.split(' ')
    if (!path.startsWith('/sys/fs/cgroup')) return []
    if (type === 'cgroup2') return [{ path, version: 2 }]
    const useful = options.split(',').some((option) => ['name=systemd', ...controllers].includes(option))
    return type === 'cgroup' && useful ? [{ path, version: 1 }] : []
  })
}

let known: Hierarchy[] | undefined

function hierarchies(): Hierarchy[] {
  known ??= parseHierarchies(readFileSync('/proc/mounts', 'utf8'))
  return known
}

/** The cgroups of the whole lab, in each hierarchy. */
export function labGroups({ name }: LabSettings): string[] {
  return hierarchies().map(({ path }) => join(path, `sluice-lab-${name}`))
}

/** The cgroup of a host, in each hierarchy: all of its processes are below it, and no others. */
export function hostGroups(settings: LabSettings, host: string): string[] {
  return labGroups(settings).map((group) => join(group, host))
}

/** The cgroup of what watches over a host: apart from the host's, so that a power cut there does not reach it. */
export function supervisorGroups(settings: LabSettings, host: string): string[] {
  return labGroups(settings).map((group) => join(group, `${host}-supervisor`))
}

/** Makes the cgroups of a host, with its memory limit. Hosts that share one get in each other's way at boot. */
export async function makeHostGroups(settings: LabSettings, host: string): Promise<void> {
  for (const { path, version } of hierarchies()) {
    const lab = join(path, `sluice-lab-${settings.name}`)
    await mkdir(lab, { recursive: true })
    if (version === 2) {
      await passOnControllers(path)
      await passOnControllers(lab)
    }
  }
  for (const group of [...hostGroups(settings, host), ...supervisorGroups(settings, host)]) {
    await mkdir(group, { recursive: true })
  }
  if (settings.memoryLimitMb !== undefined)
    await limitMemory(hostGroups(settings, host), settings.memoryLimitMb)
}

/** Where the controllers are in v1 hierarchies, or the machine is itself a container, there is none to pass on. */
async function passOnControllers(group: string): Promise<void> {
  const offered = readFileSync(join(group, 'cgroup.controllers'), 'utf8').trim().split(' ')
  for (const controller of offered.filter((name) => controllers.includes(name))) {
    await writeFile(join(group, 'cgroup.subtree_control'), `+${controller}`).catch((error: unknown) => {
      if (!hasCode(error, 'EBUSY', 'ENOTSUP', 'EOPNOTSUPP')) throw error
    })
  }
}

/** Removes these cgroups, in which no process may be left, and those below them. */
export async function removeGroups(directories: readonly string[]): Promise<void> {
  for (const directory of directories.flatMap((top) => withDescendants(top).reverse())) {
    for (let tries = 1; existsSync(directory); tries += 1) {
      try {
        rmdirSync(directory)
      } catch (error) {
        if (!hasCode(error, 'EBUSY', 'ENOENT') || tries >= 100) throw error
        await sleep(20)
      }
    }
  }
}

/** A cgroup and all that are below it, each before its own. They may come and go meanwhile. */
export function withDescendants(directory: string): string[] {
  try {
    const children = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory())
    return [directory, ...children.flatMap(({ name }) => withDescendants(join(directory, name)))]
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENODEV')) return []
    throw error
  }
}
