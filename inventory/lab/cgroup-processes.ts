import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { SluiceError } from '../../engine/errors.ts'
import { withDescendants } from './cgroup.ts'
import { hasCode } from './system-error.ts'

/** The processes in these cgroups and in those below them. */
export function processesIn(groups: readonly string[]): number[] {
  const found = groups
    .flatMap(withDescendants)
    .flatMap((directory) => (readIfThere(join(directory, 'cgroup.procs')) ?? '').split('\n'))
  return [...new Set(found.filter((line) => line !== '').map(Number))]
}

/** The init of a container among the processes of a cgroup: the one that is 1 in the namespace below ours. */
export function containerInit(groups: readonly string[]): number | undefined {
  return processesIn(groups).find((id) => /^NSpid:\t.*\t1$/m.test(readIfThere(`/proc/${id}/status`) ?? ''))
}

/** Ends every process in these cgroups at once, as a power cut would, and waits until none is left. */
export async function killAll(groups: readonly string[]): Promise<void> {
  const deadline = Date.now() + 20_000
  for (let left = processesIn(groups); left.length > 0; left = processesIn(groups)) {
    if (Date.now() > deadline) {
      throw new SluiceError('LAB_FAILED', {
        subject: `processes ${left.join(', ')} of the lab do not end when they are killed`,
        advice: 'look at them with ps; the kernel may be waiting for a disk',
      })
    }
    for (const id of left) signal(id, 'SIGKILL')
    await sleep(10)
  }
}

/** Sends a signal to the processes of these cgroups themselves, not to those of cgroups below. */
export function signalGroup(groups: readonly string[], name: NodeJS.Signals): void {
  const ids = groups.flatMap((group) => (readIfThere(join(group, 'cgroup.procs')) ?? '').split('\n'))
  for (const id of new Set(ids.filter((line) => line !== ''))) signal(Number(id), name)
}

function signal(id: number, name: NodeJS.Signals): void {
  try {
    process.kill(id, name)
  } catch (error) {
    if (!hasCode(error, 'ESRCH')) throw error
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENODEV', 'ESRCH')) return undefined
    throw error
  }
}
