import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** How many ticks a second the kernel counts processor time in, on every architecture that we run on. */
const ticksPerSecond = 100

/** The processor time that a process used, with all its threads. */
export function cpuMsOf(pid: number): number {
  const text = readFileSync(join('/proc', String(pid), 'stat'), 'utf8')
  // The second field is a name in parentheses, which may hold spaces.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond
}

/** The most memory that a process ever had resident. */
export function peakMbOf(pid: number): number {
  return kilobytesOf(pid, 'VmHWM') / 1024
}

/** The memory that a process has resident now. */
export function residentMbOf(pid: number): number {
  return kilobytesOf(pid, 'VmRSS') / 1024
}

function kilobytesOf(pid: number, name: string): number {
  const text = readFileSync(join('/proc', String(pid), 'status'), 'utf8')
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0)
}
