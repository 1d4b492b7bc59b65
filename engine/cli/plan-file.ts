import { readFile, rename, writeFile } from 'node:fs/promises'
import { hostname, userInfo } from 'node:os'
import { resolve } from 'node:path'
import { reasonOf, SluiceError } from '../errors.ts'
import type { SavedPlan } from '../saved-plan.ts'
import { exitCodeOfRun } from './exit-codes.ts'
import type { PlanOptions, RunCommandOptions } from './options.ts'
import { type PreparedRun, showRun } from './run-command.ts'
import type { Chosen, Session } from './session.ts'

/** A command whose plan can be kept. */
export interface Plannable {
  /** What is typed. */
  name: string
  /** In a removal: whether data goes too. */
  removal?: { data: boolean }
}

/** @throws SluiceError USAGE when a plan is to be written without a check */
export function checkOut({ name }: Plannable, { out, check }: PlanOptions): void {
  if (out === undefined || check) return
  throw new SluiceError('USAGE', {
    subject: '--out writes the plan of a check, and there is no --check',
    at: 'the command line',
    advice: `sluice ${name} --check --out ${out}`,
  })
}

/** Shows what would be done and, with `--out`, keeps that; gives the exit code of the check. */
export async function planAhead(
  session: Session,
  command: Plannable,
  options: Omit<RunCommandOptions, 'check'> & PlanOptions,
  { prepared, chosen }: { prepared: PreparedRun; chosen: Chosen },
): Promise<number> {
  const { removal } = command
  const manner = { mode: removal ? 'check-removal' : 'check', removeData: removal?.data ?? false } as const
  const result = await showRun(session, chosen, prepared, options, manner)
  const exitCode = exitCodeOfRun(result)
  const { out, tags, skipTags, startAt } = options
  if (out === undefined) return exitCode
  if (result.interrupted || result.hosts.some(({ status }) => status === 'failed' || status === 'skipped')) {
    session.progress(`No plan was written: it would not be whole.`)
    return exitCode
  }
  const { savedPlan } = await import('../saved-plan.ts')
  const plan = savedPlan(result.hosts, {
    by: `${userInfo().username}@${hostname()}`,
    playbook: command.name,
    inventory: chosen.inventory.name,
    tags,
    skipTags,
    ...(startAt && { startAt }),
    ...(removal && { removal }),
  })
  const file = resolve(out)
  await writePlan(file, plan)
  session.progress(`The plan is in ${file}; sluice ${command.name} --plan ${out} does exactly that.`)
  return exitCode
}

/** Readable by nobody else from its first byte on, and never there by half. */
async function writePlan(file: string, plan: SavedPlan): Promise<void> {
  const staged = `${file}.${process.pid}.new`
  try {
    await writeFile(staged, `${JSON.stringify(plan, null, 2)}\n`, { mode: 0o600, flag: 'wx' })
    await rename(staged, file)
  } catch (cause) {
    throw new SluiceError('USAGE', {
      subject: 'the plan cannot be written',
      at: file,
      why: reasonOf(cause),
      advice: 'name another file with --out',
      cause,
    })
  }
}

/** @throws SluiceError USAGE when it is no plan, or another command's */
export async function readPlan(typed: string, { name }: Plannable): Promise<SavedPlan> {
  const file = resolve(typed)
  const { parseSavedPlan } = await import('../saved-plan.ts')
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new SluiceError('USAGE', {
      subject: 'the plan cannot be read',
      at: file,
      why: reasonOf(cause),
      advice: 'name the file that --check --out wrote',
      cause,
    })
  })
  const plan = parseSavedPlan(text, file)
  if (plan.playbook === name) return plan
  throw otherPlan(file, `it is a plan of ${plan.playbook}, not of ${name}`)
}

/** The same options with what the plan was made with. */
export function likePlan<Options extends Omit<RunCommandOptions, 'check'>>(
  options: Options,
  { tags, skipTags, startAt }: SavedPlan,
): Options {
  return { ...options, tags, skipTags, ...(startAt && { startAt }) }
}

/** @throws SluiceError USAGE for a plan of another inventory, PLAN_OUTDATED when one of its hosts is no longer there */
export function hostsOfPlan(
  typed: string,
  plan: SavedPlan,
  { inventory, hosts }: Chosen,
  { name }: Plannable,
): Chosen {
  const file = resolve(typed)
  if (inventory.name !== plan.inventory)
    throw otherPlan(file, `it is a plan for the inventory ${plan.inventory}, not for ${inventory.name}`)
  const names = Object.keys(plan.hosts)
  const missing = names.filter((planned) => !hosts.some((host) => host.name === planned))
  if (missing.length > 0) {
    throw new SluiceError('PLAN_OUTDATED', {
      subject: `${missing.join(', ')} of the plan ${missing.length === 1 ? 'is' : 'are'} no longer in the inventory ${inventory.name}`,
      at: file,
      advice: `write a plan anew: sluice ${name} --check --out ${typed}`,
    })
  }
  return { inventory, hosts: hosts.filter((host) => names.includes(host.name)) }
}

function otherPlan(file: string, subject: string): SluiceError {
  return new SluiceError('USAGE', {
    subject,
    at: file,
    advice: 'name the plan that is meant, or write one with --check --out',
  })
}
