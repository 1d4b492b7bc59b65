import { readFile, rename, writeFile } from 'node:fs/promises'
import { hostname, userInfo } from 'node:os'
import { resolve } from 'node:path'
import { SluiceError } from '../errors.ts'
import type { RunResult } from '../events.ts'
import type { SavedPlan } from '../saved-plan.ts'
import { exitCodeOfRun } from './exit-codes.ts'
import type { PlaybookOptions } from './options.ts'
import type { PlaybookCommand } from './registry.ts'
import { prepareRun, runCommand, showRun } from './run-command.ts'
import { type Chosen, loadHosts, type Session } from './session.ts'

/** Runs a playbook: now, as a check whose plan is kept, or by such a plan. */
export async function playbookCommand(
  session: Session,
  command: PlaybookCommand,
  options: PlaybookOptions,
): Promise<number> {
  if (options.plan !== undefined) return runPlanned(session, command, { ...options, plan: options.plan })
  if (options.out === undefined) return runCommand(session, command, options)
  if (!options.check) {
    throw new SluiceError('USAGE', {
      subject: '--out writes the plan of a check, and there is no --check',
      at: 'the command line',
      advice: `sluice ${command.name} --check --out ${options.out}`,
    })
  }
  return planAhead(session, command, { ...options, out: options.out })
}

async function planAhead(
  session: Session,
  command: PlaybookCommand,
  options: PlaybookOptions & { out: string },
): Promise<number> {
  const prepared = await prepareRun(session, command, options)
  const chosen = await loadHosts(session, options, { create: false })
  const result = await showRun(session, chosen, prepared, options, { mode: 'check', removeData: false })
  const exitCode = exitCodeOfRun(result)
  if (result.interrupted || result.hosts.some(({ status }) => status === 'failed' || status === 'skipped')) {
    session.progress(`No plan was written: it would not be whole.`)
    return exitCode
  }
  const file = resolve(options.out)
  await writePlan(file, await planOf(command, chosen, options, result))
  session.progress(`The plan is in ${file}; sluice ${command.name} --plan ${options.out} does exactly that.`)
  return exitCode
}

async function planOf(
  { name }: PlaybookCommand,
  { inventory }: Chosen,
  { tags, skipTags, startAt }: PlaybookOptions,
  { hosts }: RunResult,
): Promise<SavedPlan> {
  const { savedPlan } = await import('../saved-plan.ts')
  const by = `${userInfo().username}@${hostname()}`
  return savedPlan(hosts, {
    by,
    playbook: name,
    inventory: inventory.name,
    tags,
    skipTags,
    ...(startAt && { startAt }),
  })
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
      why: String(cause),
      advice: 'name another file with --out',
      cause,
    })
  }
}

async function runPlanned(
  session: Session,
  command: PlaybookCommand,
  options: PlaybookOptions & { plan: string },
): Promise<number> {
  const file = resolve(options.plan)
  const plan = await readPlan(file)
  const { tags, skipTags, startAt } = plan
  const likePlan = { ...options, tags, skipTags, ...(startAt && { startAt }) }
  if (plan.playbook !== command.name)
    throw otherPlan(file, `it is a plan of ${plan.playbook}, not of ${command.name}`)
  const prepared = await prepareRun(session, command, likePlan)
  const { inventory, hosts } = await loadHosts(session, options, { create: false, change: true })
  if (inventory.name !== plan.inventory)
    throw otherPlan(file, `it is a plan for the inventory ${plan.inventory}, not for ${inventory.name}`)
  const names = Object.keys(plan.hosts)
  const missing = names.filter((name) => !hosts.some((host) => host.name === name))
  if (missing.length > 0) {
    throw new SluiceError('PLAN_OUTDATED', {
      subject: `${missing.join(', ')} of the plan ${missing.length === 1 ? 'is' : 'are'} no longer in the inventory ${inventory.name}`,
      at: file,
      advice: `write a plan anew: sluice ${command.name} --check --out ${options.plan}`,
    })
  }
  const chosen = { inventory, hosts: hosts.filter(({ name }) => names.includes(name)) }
  const manner = { mode: 'apply', removeData: false, savedPlan: plan } as const
  return exitCodeOfRun(await showRun(session, chosen, prepared, likePlan, manner))
}

async function readPlan(file: string): Promise<SavedPlan> {
  const { parseSavedPlan } = await import('../saved-plan.ts')
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new SluiceError('USAGE', {
      subject: 'the plan cannot be read',
      at: file,
      why: String(cause),
      advice: 'name the file that --check --out wrote',
      cause,
    })
  })
  return parseSavedPlan(text, file)
}

function otherPlan(file: string, subject: string): SluiceError {
  return new SluiceError('USAGE', {
    subject,
    at: file,
    advice: 'name the plan that is meant, or write one with --check --out',
  })
}
