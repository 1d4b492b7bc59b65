import { mkdirSync, readFileSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { hasCode } from '../../inventory/lab/system-error.ts'

/** Makes a control group of its own for the processes of one command; those that they start are in it too. */
export function makeGroup(): string {
  const group = join(unifiedHierarchy(), `sluice-bench-${process.pid}`)
  mkdirSync(group)
  return group
}

export function processesOf(group: string): string[] {
  return readFileSync(join(group, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean)
}

/** The processor time of all processes that were ever in the group. */
export function cpuMsOf(group: string): number {
  const usage = /^usage_usec (\d+)$/m.exec(readFileSync(join(group, 'cpu.stat'), 'utf8'))
  return Number(usage?.[1]) / 1000
}

/** Ends what is left in the group. An SSH connection kept for the next run would flatter that one's figures. */
export async function endProcesses(group: string): Promise<void> {
  for (let left = processesOf(group); left.length > 0; left = processesOf(group)) {
    for (const pid of left) {
      try {
        process.kill(Number(pid), 'SIGKILL')
      } catch (error) {
        if (!hasCode(error, 'ESRCH')) throw error
      }
    }
    await sleep(20)
  }
}

export async function removeGroup(group: string): Promise<void> {
  await endProcesses(group)
  rmdirSync(group)
}

function unifiedHierarchy(): string {
  const mounts = readFileSync('/proc/mounts', 'utf8').split('\n')
  const path = mounts.map((line) => line.split(' ')).find(([, , type]) => type === 'cgroup2')?.[1]
  if (path === undefined) throw new Error('the bench counts processor time by cgroup v2: mount it')
  return path
}
