import { setTimeout as sleep } from 'node:timers/promises'
import { describeError, SluiceError } from '../errors.ts'
import type { RunResult } from '../events.ts'
import { exitCodeOfRun, exitCodes } from './exit-codes.ts'
import type { DriftOptions } from './options.ts'
import { conductRun, named, openReportFor, prepareRun, showRun } from './run-command.ts'
import { loadHosts, type Session } from './session.ts'

/**
 * `drift`: whether the hosts still are as declared, for cron and CI: 0 when they are, 2 when anything differs.
 * With `--watch` it looks again and again, and speaks up when what differs is no longer what it was.
 */
export async function driftCommand(session: Session, options: DriftOptions): Promise<number> {
  const { registry, signal } = session
  // A program that reads JSON finds nothing else on standard output.
  const say = options.json ? session.progress : session.print
  const command = registry.playbooks.find(({ name }) => name === registry.destroyed)
  if (command === undefined) throw new TypeError(`there is no playbook ${registry.destroyed}`)
  const prepared = named('drift', await prepareRun(session, command, options))
  const find = () => loadHosts(session, options, { create: false })
  const manner = { mode: 'check', removeData: false } as const
  if (options.watch === undefined) {
    return exitCodeOfRun(await showRun(session, await find(), prepared, options, manner))
  }

  let known: string | undefined
  const look = async (): Promise<Look> => {
    const result = await conductRun(session, await find(), prepared, options, { ...manner, emit: () => {} })
    return {
      found: fingerprint(result),
      whole: !result.interrupted,
      show: () => showResult(session, options, result),
    }
  }
  const cannotLook = (error: unknown): Look => {
    // Once it has looked, what comes between is no reason to stop watching.
    if (known === undefined || !(error instanceof SluiceError)) throw error
    return { found: error.message, whole: !signal.aborted, show: async () => say(describeError(error)) }
  }
  while (!signal.aborted) {
    const { found, whole, show } = await look().catch(cannotLook)
    if (found !== known && whole) {
      say(`${new Date().toISOString()}  ${known === undefined ? 'found' : 'changed since the last look'}:`)
      await show()
    }
    known = found
    await sleep(options.watch * 1000, undefined, { signal }).catch(() => {})
  }
  return exitCodes.interrupted
}

interface Look {
  /** What differs from look to look, or is the same. */
  found: string
  /** Whether it was not stopped in between. */
  whole: boolean
  show(): Promise<void>
}

async function showResult(session: Session, options: DriftOptions, result: RunResult): Promise<void> {
  const report = await openReportFor(session, options)
  report.emit({ type: 'run-ended', result })
  report.conclude(result)
}

/** What differs and what failed, without times. */
function fingerprint({ hosts }: RunResult): string {
  return JSON.stringify(hosts.map(({ host, status, changed, error }) => [host, status, changed, error?.code]))
}
