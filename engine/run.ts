import { Agreement } from './agreement.ts'
import { Consensus } from './consensus.ts'
import { asSluiceError } from './errors.ts'
import {
  type HostResult,
  isCheck,
  isRemoval,
  type RunEvent,
  type RunResult,
  stoppedReason,
} from './events.ts'
import { HostLock, lockOwner } from './host-lock.ts'
import type { LockOwner } from './host-lock-scripts.ts'
import { HostRun } from './host-run.ts'
import { type Surveyed, type SurveyOptions, surveyHost } from './host-survey.ts'
import type { Host } from './inventory.ts'
import { limiter } from './limiter.ts'
import { type Placed, type Plan, planHost } from './plan.ts'
import type { Playbook } from './playbook.ts'
import { Profiler } from './profile.ts'
import { Resumption } from './resumption.ts'
import type { SavedPlan } from './saved-plan.ts'
import { maskedDeep } from './secret.ts'
import { hostsOfPlay } from './select.ts'
import type { Share } from './share.ts'
import { Turns } from './turns.ts'
import { refuseUnknownRoles, variablesOf } from './variables.ts'

export interface RunOptions extends SurveyOptions {
  playbook: Playbook
  /** The hosts to work on: those of the inventory that `--limit` names. */
  hosts: Host[]
  /** The names that variables may begin with: all roles, also those that this playbook does not have. */
  knownRoles: string[]
  /** Hosts that are worked on at once. */
  forks: number
  /** How many hosts do a play at once; a later batch begins when the ones before have ended it well. */
  serial?: Share | undefined
  /** How many hosts may fail before no other one is begun; left out: all of them, and none in batches. */
  maxFail?: Share | undefined
  /** What was planned: this and nothing else is done, and nothing at all where a host is not as it was then. */
  savedPlan?: SavedPlan | undefined
  /** How long a host waits before it takes back a change that shut the controller out. */
  guardSeconds?: number | undefined
}

/**
 * Brings hosts to what a playbook declares: ask every host everything once, compare here, change only what
 * differs, ask again only what that may have altered. A host that fails stops there; what needs it is skipped.
 *
 * @throws SluiceError VARIABLE_INVALID before any host is touched; what fails on a host is in the result
 */
export async function runPlaybook(given: RunOptions): Promise<RunResult> {
  const started = performance.now()
  checkVariables(given)
  const profiler = new Profiler()
  const emit = (event: RunEvent) => {
    profiler.accept(event)
    given.emit(maskedDeep(event))
  }
  const options = { ...given, emit }
  const { playbook, hosts, mode } = options
  const { noun } = options.inventory
  const run = { playbook: playbook.name, mode, ...(noun !== undefined && { noun }) }
  emit({ type: 'run-started', ...run, hosts: hosts.map(({ name }) => name) })
  const limit = limiter(options.forks)
  const turns = new Turns({
    inventory: options.inventory,
    hosts,
    plays: playbook.plays,
    backwards: isRemoval(mode),
    serial: options.serial,
    maxFail: options.maxFail,
    signal: options.signal,
  })
  const agreement = options.savedPlan && new Agreement(options.savedPlan, hosts)
  const start = options.startAt?.resource === undefined ? undefined : new Consensus(hosts)
  const owner = lockOwner(playbook.name, mode)
  const results = await Promise.all(
    hosts.map((host) => workOnHost(host, { options, limit, turns, owner, agreement, start })),
  )
  const result: RunResult = {
    ...run,
    hosts: results,
    durationMs: performance.now() - started,
    interrupted: options.signal?.aborted ?? false,
    profile: profiler.result(),
  }
  emit({ type: 'run-ended', result })
  return result
}

/** What the hosts of a run have in common. */
interface Common {
  options: RunOptions
  limit: <Result>(work: () => Promise<Result>) => Promise<Result>
  turns: Turns
  owner: LockOwner
  agreement: Agreement | undefined
  /** Whether each host has the resource at which the run is to begin. */
  start: Consensus | undefined
}

async function workOnHost(host: Host, common: Common): Promise<HostResult> {
  const { options, limit, turns, owner, agreement, start } = common
  const { emit, mode } = options
  const started = performance.now()
  const noticed: string[] = []
  const notice = (message: string) => {
    noticed.push(message)
    emit({ type: 'host-noticed', host: host.name, message })
  }
  let surveyed: Surveyed | undefined
  let work: HostRun | undefined
  const end = (result: Partial<HostResult> & Pick<HostResult, 'status'>): HostResult => {
    const whole: HostResult = {
      host: host.name,
      ok: work?.state.ok ?? 0,
      changed: work?.state.changed ?? [],
      ...(work !== undefined && work.state.begun.length > 0 && { begun: work.state.begun }),
      notTried: work?.state.notTried ?? [],
      ...(noticed.length > 0 && { noticed }),
      ...result,
      durationMs: performance.now() - started,
    }
    const stopped = whole.error?.code === 'INTERRUPTED' || whole.reason === stoppedReason
    turns.ended(host, stopped ? 'stopped' : whole.status === 'failed' ? 'failed' : 'skipped')
    agreement?.ended(host.name)
    start?.cast(host.name, whole.error?.code !== 'START_UNKNOWN')
    emit({ type: 'host-ended', result: whole })
    return whole
  }
  try {
    const refused = await limit(() =>
      turns.begin(host, async () => {
        surveyed = await surveyHost(host, turns.playsOf(host), options, notice)
      }),
    )
    if (surveyed === undefined) return end({ status: 'skipped', ...(refused && { reason: refused }) })
    const plan = planHost(host.name, surveyed.placed, surveyed.readings, mode)
    const durationMs = performance.now() - started
    emit({
      type: 'host-surveyed',
      host: host.name,
      resources: surveyed.placed.length,
      pending: plan.planned.length + plan.undecided.length,
      durationMs,
    })
    if (isCheck(mode)) {
      for (const planned of [...plan.planned, ...plan.undecided]) emit({ type: 'resource-planned', planned })
      return end(foretold(plan))
    }
    start?.cast(host.name, true)
    const lacking = (await start?.opponents()) ?? []
    if (lacking.length > 0) return end({ status: 'skipped', reason: startLacking(lacking) })
    const disagreement = await agreement?.reach(host.name, plan)
    if (disagreement !== undefined) return end({ status: 'skipped', reason: disagreement })
    const { connection, placed, readings } = surveyed
    const lock = connection.facts === undefined ? new HostLock(owner, surveyed.lock) : undefined
    work = new HostRun(connection, placed, readings, {
      ...options,
      reconnect: (port) => options.connect({ ...host, port }),
      notice,
      lock,
      permitted: agreement?.permitted(host.name),
    })
    const resumption = new Resumption(work, { host, placed, lock, options, notice })
    const reason = await applyPlays(host, placed, resumption, common)
    if (reason !== undefined) return end({ status: 'skipped', reason })
    return end({ status: work.state.changed.length > 0 ? 'changed' : 'ok' })
  } catch (error) {
    // Whatever happens on one host, the others are worked on to their end and reported on.
    const failure = asSluiceError(error)
    const placed = failure.at?.startsWith(host.name) ? failure : failure.within(host.name)
    return end({ status: 'failed', error: placed })
  } finally {
    await work?.close()
    surveyed?.connection.close()
  }
}

const startLacking = (hosts: readonly string[]): string =>
  `not tried: the resource at which the run is to begin is not on ${hosts.join(', ')}`

/** What a check gives of a host. */
function foretold({ planned, undecided, ok }: Plan) {
  // A service that is not ready though nothing is pending differs from what is declared, too.
  const differs = planned.length > 0 || undecided.some(({ after }) => after.length === 0)
  return { status: differs ? 'changed' : 'ok', ok, changed: planned, undecided } as const
}

/** Does a host's plays, each when its turn has come; gives the reason where one may not be begun. */
async function applyPlays(
  host: Host,
  placed: readonly Placed[],
  resumption: Resumption,
  { options, limit, turns }: Common,
): Promise<string | undefined> {
  for (const play of turns.orderOf(host)) {
    const refusal = await turns.come(host, play, (needs) =>
      options.emit({ type: 'host-waiting', host: host.name, play: play.name, needs }),
    )
    if (refusal !== undefined) return refusal
    const ours = placed.filter((item) => item.play === play.name)
    const late = await limit(() => turns.take(host, play, () => resumption.apply(ours)))
    if (late !== undefined) return late
  }
  return undefined
}

function checkVariables({ playbook, inventory, hosts, overrides, knownRoles }: RunOptions): void {
  for (const host of hosts) {
    const variables = variablesOf(host, inventory, overrides)
    for (const { hosts: pattern, roles: ofPlay } of playbook.plays) {
      if (!hostsOfPlay(inventory, pattern).includes(host)) continue
      for (const role of ofPlay) role.read(variables[role.name], host.name)
    }
  }
  refuseUnknownRoles(inventory, hosts, overrides, knownRoles)
}
