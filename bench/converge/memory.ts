import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { hasCode } from '../../inventory/lab/system-error.ts'
import { processesOf } from './control-group.ts'

/** Looked at often at first, because a quick tool is gone soon, and seldom later, because looking costs time too. */
const oftenMs = 50
const seldomMs = 500
const oftenUntilMs = 3000

/** Watches the memory of the processes of a control group; `stop` gives the most that they used together, in MB. */
export function peakOf(group: string): { stop(): number } {
  let peakKb = 0
  const started = performance.now()
  const look = () => {
    const pids = processesOf(group)
    const together = pids.map((pid) => field(pid, 'smaps_rollup', 'Pss')).reduce((sum, kb) => sum + kb, 0)
    // A process remembers its own highest mark, which may lie between two looks.
    peakKb = Math.max(peakKb, together, ...pids.map((pid) => field(pid, 'status', 'VmHWM')))
    timer = setTimeout(look, performance.now() - started < oftenUntilMs ? oftenMs : seldomMs)
  }
  let timer = setTimeout(look, oftenMs)
  return {
    stop() {
      clearTimeout(timer)
      return peakKb / 1024
    },
  }
}

/** A number of kB in a file of a process; none for a process that has ended. */
function field(pid: string, file: string, name: string): number {
  try {
    const text = readFileSync(join('/proc', pid, file), 'utf8')
    return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0)
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH')) return 0
    throw error
  }
}
