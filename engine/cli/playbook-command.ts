import { exitCodeOfRun } from './exit-codes.ts'
import type { PlaybookOptions } from './options.ts'
import { checkOut, hostsOfPlan, likePlan, planAhead, readPlan } from './plan-file.ts'
import type { PlaybookCommand } from './registry.ts'
import { prepareRun, runCommand, showRun } from './run-command.ts'
import { loadHosts, type Session } from './session.ts'

/** Runs a playbook: now, as a check whose plan is kept, or by such a plan. */
export async function playbookCommand(
  session: Session,
  command: PlaybookCommand,
  options: PlaybookOptions,
): Promise<number> {
  if (options.plan !== undefined) return runPlanned(session, command, { ...options, plan: options.plan })
  checkOut(command, options)
  if (options.out === undefined) return runCommand(session, command, options)
  const prepared = await prepareRun(session, command, options)
  const chosen = await loadHosts(session, options, { create: false })
  return planAhead(session, command, options, { prepared, chosen })
}

async function runPlanned(
  session: Session,
  command: PlaybookCommand,
  options: PlaybookOptions & { plan: string },
): Promise<number> {
  const savedPlan = await readPlan(options.plan, command)
  const typed = likePlan(options, savedPlan)
  const prepared = await prepareRun(session, command, typed)
  const found = await loadHosts(session, options, { create: false, change: true })
  const chosen = hostsOfPlan(options.plan, savedPlan, found, command)
  const manner = { mode: 'apply', removeData: false, savedPlan } as const
  return exitCodeOfRun(await showRun(session, chosen, prepared, typed, manner))
}
