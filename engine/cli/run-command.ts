import { resolve } from 'node:path'
import { artifactCacheDirectory } from '../artifacts/cache.ts'
import { SluiceError } from '../errors.ts'
import { type Emit, isCheck, type Mode, type RunResult } from '../events.ts'
import type { Host, Variables } from '../inventory.ts'
import type { Playbook } from '../playbook.ts'
import type { Report } from '../report/report.ts'
import type { SavedPlan } from '../saved-plan.ts'
import type { Connection } from '../transport/connection.ts'
import { isUrl } from './configuration.ts'
import { exitCodeOfRun } from './exit-codes.ts'
import { defaultForks, type RunCommandOptions } from './options.ts'
import { readOverrides } from './overrides.ts'
import type { PlaybookCommand } from './registry.ts'
import { type Chosen, connector, loadHosts, type Session } from './session.ts'

/** Runs a playbook on the chosen hosts, shows it, and gives the exit code. */
export async function runCommand(
  session: Session,
  command: PlaybookCommand,
  options: RunCommandOptions,
): Promise<number> {
  const prepared = await prepareRun(session, command, options)
  // What is only looked at is not made first.
  const change = !options.check
  const chosen = await loadHosts(session, options, { create: command.createsHosts && change, change })
  const mode = options.check ? 'check' : 'apply'
  return exitCodeOfRun(await showRun(session, chosen, prepared, options, { mode, removeData: false }))
}

/** What is read, and can be wrong, before any host is made or touched. */
export interface PreparedRun {
  playbook: Playbook
  overrides: Variables[]
  knownRoles: string[]
}

/** @throws SluiceError USAGE for an unknown role, a bad variable or vars file */
export async function prepareRun(
  session: Session,
  command: PlaybookCommand,
  options: Omit<RunCommandOptions, 'check'>,
): Promise<PreparedRun> {
  const [{ roleNames, startingAt, withTags }, overrides] = await Promise.all([
    import('../playbook.ts'),
    readOverrides(session, options),
  ])
  const whole = await command.load()
  const { tags, skipTags, startAt } = options
  for (const name of [...tags, ...skipTags])
    checkRole(name, command.name, roleNames(whole), '--tags or --skip-tags')
  if (startAt !== undefined) checkRole(startAt.role, command.name, roleNames(whole), '--start-at')
  const begun = startAt === undefined ? whole : startingAt(whole, startAt.role)
  const all = await Promise.all(session.registry.playbooks.map(({ load }) => load()))
  return {
    playbook: withTags(begun, tags, skipTags),
    overrides: options.allowLockout ? [...overrides, session.registry.allowLockout ?? {}] : overrides,
    knownRoles: [...new Set(all.flatMap(roleNames))],
  }
}

/** The same under the name of the command that was typed: that is what a person looks for in the log. */
export function named(name: string, prepared: PreparedRun): PreparedRun {
  return { ...prepared, playbook: { ...prepared.playbook, name } }
}

export interface RunManner {
  mode: Mode
  removeData: boolean
  /** What is done, and nothing else. */
  savedPlan?: SavedPlan
  /** Where the hosts are not reached by SSH. */
  connect?: (host: Host) => Promise<Connection>
}

/** Runs a prepared playbook and shows it; what fails on a host is in the result. */
export async function showRun(
  session: Session,
  chosen: Chosen,
  prepared: PreparedRun,
  options: Omit<RunCommandOptions, 'check'>,
  manner: RunManner,
): Promise<RunResult> {
  const [report, { recordRun }] = await Promise.all([
    openReportFor(session, options),
    import('../report/run-record.ts'),
  ])
  // What could not even begin, for a mistyped variable say, is no run.
  let record: ReturnType<typeof recordRun> | undefined
  const begin = () =>
    recordRun(session.projectDirectory, {
      playbook: prepared.playbook.name,
      inventory: chosen.inventory.name,
      version: session.registry.version,
    })
  if (report.live) session.silenceStopNotice()
  const emit: Emit = (event) => {
    record ??= begin()
    record.emit(event)
    report.emit(event)
  }
  try {
    const result = await conductRun(session, chosen, prepared, options, { ...manner, emit })
    await report.close()
    report.conclude(result)
    // A live view leaves only the counts on the screen; of a check the plan stays.
    const changed = result.hosts.some((host) => host.changed.length > 0)
    if (report.live && changed && !isCheck(result.mode) && record !== undefined)
      session.progress(`sluice log ${record.id} shows each change.`)
    return result
  } finally {
    record?.close()
    await report.close()
  }
}

/** The report that suits the session's screens and what was typed. */
export async function openReportFor(
  { stdout, stderr, signal }: Session,
  { json, verbose, diff, profile }: Pick<RunCommandOptions, 'json' | 'verbose' | 'diff' | 'profile'>,
): Promise<Report> {
  const { openReport } = await import('../report/report.ts')
  return openReport({ stdout, stderr, json, verbose, diff, profile, signal })
}

/** Runs a prepared playbook without showing anything. */
export async function conductRun(
  session: Session,
  { inventory, hosts }: Chosen,
  prepared: PreparedRun,
  options: Omit<RunCommandOptions, 'check'>,
  { mode, removeData, savedPlan, emit, connect: otherWay }: RunManner & { emit: Emit },
): Promise<RunResult> {
  const { configuration, signal } = session
  const [{ runPlaybook }, connect] = await Promise.all([
    import('../run.ts'),
    otherWay ?? connector(session, options),
  ])
  return runPlaybook({
    ...prepared,
    inventory,
    hosts,
    mode,
    forks: options.forks ?? configuration.forks ?? defaultForks(hosts.length),
    serial: options.serial,
    maxFail: options.maxFail,
    startAt: options.startAt,
    removeData,
    savedPlan,
    artifacts: {
      cacheDirectory: artifactCacheDirectory(),
      mirror: mirrorOf(options.artifactMirror) ?? configuration.artifactMirror,
    },
    guardSeconds: options.guardSeconds,
    connect,
    emit,
    signal,
  })
}

function mirrorOf(typed: string | undefined): string | undefined {
  return typed === undefined || isUrl(typed) ? typed : resolve(typed)
}

function checkRole(name: string, playbook: string, roles: readonly string[], option: string): void {
  if (roles.includes(name)) return
  throw new SluiceError('USAGE', {
    subject: `${playbook} has no role "${name}"`,
    at: `the command line, ${option}`,
    why: `its roles: ${roles.join(', ')}`,
    advice: 'name one or more of these, "," between',
  })
}
