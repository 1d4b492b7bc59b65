import { existsSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SluiceError } from '../../engine/errors.ts'

/** Limits the memory of all processes below a cgroup, given in each hierarchy. */
export async function limitMemory(groups: readonly string[], megabytes: number): Promise<void> {
  const file = fileOf(groups, 'memory.limit_in_bytes', 'memory.max')
  if (file === undefined) {
    throw new SluiceError('LAB_UNAVAILABLE', {
      subject: 'this kernel offers no memory controller, so that a host cannot be given a limit',
      advice: 'unset SLUICE_LAB_MEMORY_MB',
    })
  }
  await writeFile(file, String(megabytes * 1024 * 1024))
}

/** Memory in use below a cgroup, in bytes, without file cache that would be given up; `undefined` when unknown. */
export function memoryInUse(groups: readonly string[]): number | undefined {
  const usage = fileOf(groups, 'memory.usage_in_bytes', 'memory.current')
  const statistics = fileOf(groups, 'memory.stat')
  if (usage === undefined || statistics === undefined) return undefined
  return Math.max(
    0,
    Number(readFileSync(usage, 'utf8')) - inactiveFileCache(readFileSync(statistics, 'utf8')),
  )
}

/** In a `memory.stat`: with cgroup v1 only the `total_` line counts what is below, v2 has no such line. */
export function inactiveFileCache(statistics: string): number {
  const line = /^total_inactive_file (\d+)$/m.exec(statistics) ?? /^inactive_file (\d+)$/m.exec(statistics)
  return Number(line?.[1] ?? 0)
}

function fileOf(groups: readonly string[], ...names: string[]): string | undefined {
  return groups.flatMap((group) => names.map((name) => join(group, name))).find((file) => existsSync(file))
}
