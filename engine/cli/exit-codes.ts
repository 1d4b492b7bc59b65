import { type ErrorCode, SluiceError } from '../errors.ts'
import { isCheck, type RunResult } from '../events.ts'

/** What the program's exit code says. */
export const exitCodes = { converged: 0, failed: 1, differs: 2, misuse: 64, interrupted: 130 } as const

const misuse: readonly ErrorCode[] = [
  'USAGE',
  'INVENTORY_UNKNOWN',
  'INVENTORY_INVALID',
  'HOSTS_UNKNOWN',
  'VARIABLE_INVALID',
]

export function exitCodeOfRun({ hosts, mode, interrupted }: RunResult): number {
  if (interrupted) return exitCodes.interrupted
  if (hosts.some(({ status }) => status === 'failed' || status === 'skipped')) return exitCodes.failed
  if (isCheck(mode) && hosts.some(({ status }) => status === 'changed')) return exitCodes.differs
  return exitCodes.converged
}

export function exitCodeOfError(error: unknown): number {
  if (!(error instanceof SluiceError)) return exitCodes.failed
  if (error.code === 'INTERRUPTED') return exitCodes.interrupted
  return misuse.includes(error.code) ? exitCodes.misuse : exitCodes.failed
}
