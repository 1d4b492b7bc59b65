import { runBatch } from './batch.ts'
import { SluiceError } from './errors.ts'
import type { Emit, HostResult, Mode, RunEvent, RunResult } from './events.ts'
import { type Facts, factsScript, parseFacts } from './facts.ts'
import { settleGuards } from './guard.ts'
import { type LeftGuard, leftGuardsScript, parseLeftGuards } from './guard-scripts.ts'
import { HostRun } from './host-run.ts'
import type { Host, Inventory, Variables } from './inventory.ts'
import { limiter } from './limiter.ts'
import { type Placed, planHost } from './plan.ts'
import type { Play, Playbook } from './playbook.ts'
import type { ArtifactSettings, Resource } from './resource.ts'
import type { RoleContext } from './role.ts'
import { maskedDeep } from './secret.ts'
import { hostsOfPlay } from './select.ts'
import { type Reading, survey } from './survey.ts'
import type { Connection } from './transport/connection.ts'
import { variablesOf } from './variables.ts'

export interface RunOptions {
  playbook: Playbook
  inventory: Inventory
  /** The hosts to work on: those of the inventory that `--limit` names. */
  hosts: Host[]
  mode: Mode
  /** Vars files and `--var`, later ones winning. */
  overrides: Variables[]
  /** The names that variables may begin with: all roles, also those that this playbook does not have. */
  knownRoles: string[]
  /** Hosts that are worked on at once. */
  forks: number
  /** In a removal: whether resources that hold data go too. */
  removeData: boolean
  artifacts: ArtifactSettings
  /** How long a host waits before it takes back a change that shut the controller out. */
  guardSeconds?: number | undefined
  connect(host: Host): Promise<Connection>
  emit: Emit
  signal?: AbortSignal
}

/** What a host is like before anything is done to it. */
interface Surveyed {
  connection: Connection
  placed: Placed[]
  readings: Map<Resource, Reading>
  noticed: string[]
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
  const options = { ...given, emit: (event: RunEvent) => given.emit(maskedDeep(event)) }
  const { playbook, hosts, mode, emit } = options
  emit({ type: 'run-started', playbook: playbook.name, mode, hosts: hosts.map(({ name }) => name) })
  const limit = limiter(options.forks)
  const finished = new Map<string, Promise<void>[]>()
  const playEnds = playbook.plays.map((play) => ({ play, ends: [] as Promise<void>[] }))
  for (const { play, ends } of playEnds) finished.set(play.name, ends)

  const results = await Promise.all(
    hosts
      .map((host) => {
        const steps = new Map<Play, PromiseWithResolvers<void>>()
        for (const { play, ends } of playEnds) {
          if (!hostsOfPlay(options.inventory, play.hosts).includes(host)) continue
          const step = Promise.withResolvers<void>()
          step.promise.catch(() => {})
          ends.push(step.promise)
          steps.set(play, step)
        }
        return { host, steps }
      })
      .map((item) => workOnHost(item, options, limit, finished)),
  )
  const result: RunResult = {
    playbook: playbook.name,
    mode,
    hosts: results,
    durationMs: performance.now() - started,
    interrupted: options.signal?.aborted ?? false,
  }
  emit({ type: 'run-ended', result })
  return result
}

async function workOnHost(
  { host, steps }: { host: Host; steps: Map<Play, PromiseWithResolvers<void>> },
  options: RunOptions,
  limit: <Result>(work: () => Promise<Result>) => Promise<Result>,
  finished: Map<string, Promise<void>[]>,
): Promise<HostResult> {
  const { emit, mode } = options
  const started = performance.now()
  let surveyed: Surveyed | undefined
  let work: HostRun | undefined
  const end = (result: Partial<HostResult> & Pick<HostResult, 'status'>): HostResult => {
    const whole: HostResult = {
      host: host.name,
      ok: work?.ok ?? 0,
      changed: work?.changed ?? [],
      notTried: work?.notTried ?? [],
      ...(surveyed !== undefined && surveyed.noticed.length > 0 && { noticed: surveyed.noticed }),
      ...result,
      durationMs: performance.now() - started,
    }
    emit({ type: 'host-ended', result: whole })
    return whole
  }
  try {
    surveyed = await limit(() => surveyHost(host, [...steps.keys()], options))
    const plan = planHost(host.name, surveyed.placed, surveyed.readings, mode)
    const durationMs = performance.now() - started
    emit({
      type: 'host-surveyed',
      host: host.name,
      resources: surveyed.placed.length,
      pending: plan.planned.length + plan.undecided.length,
      durationMs,
    })
    if (mode === 'check') {
      const { planned, undecided, ok } = plan
      for (const entry of [...planned, ...undecided]) emit({ type: 'resource-planned', planned: entry })
      for (const step of steps.values()) step.resolve()
      // A service that is not ready though nothing is pending differs from what is declared, too.
      const differs = planned.length > 0 || undecided.some(({ after }) => after.length === 0)
      return end({ status: differs ? 'changed' : 'ok', ok, changed: planned, undecided })
    }
    const { connection, placed, readings } = surveyed
    const reconnect = (port: number) => options.connect({ ...host, port })
    work = new HostRun(connection, placed, readings, { ...options, reconnect })
    // A removal goes backwards, and what needed a host's services does not need them to be removed.
    const order = mode === 'remove' ? [...steps].reverse() : [...steps]
    for (const [play, step] of order) {
      const blocked = mode === 'remove' ? undefined : await waitForNeeds(host, play, options, finished)
      if (blocked !== undefined) return end({ status: 'skipped', reason: blocked })
      const ours = placed.filter((item) => item.play === play.name)
      await limit(() => work?.apply(ours) ?? Promise.resolve())
      step.resolve()
    }
    return end({ status: work.changed.length > 0 ? 'changed' : 'ok' })
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error
    return end({ status: 'failed', error: error.at?.startsWith(host.name) ? error : error.within(host.name) })
  } finally {
    for (const step of steps.values()) step.reject(host.name)
    work?.close()
    surveyed?.connection.close()
  }
}

/** Waits for the plays that this one needs; the reason, when one of them did not end well. */
async function waitForNeeds(
  host: Host,
  play: Play,
  { emit }: RunOptions,
  finished: Map<string, Promise<void>[]>,
): Promise<string | undefined> {
  if (play.needs.length === 0) return undefined
  emit({ type: 'host-waiting', host: host.name, play: play.name, needs: play.needs })
  for (const need of play.needs) {
    const ends = await Promise.allSettled(finished.get(need) ?? [])
    const failed = ends.find((end) => end.status === 'rejected')
    if (failed !== undefined) return `${play.name} needs ${need}, which did not end well on ${failed.reason}`
  }
  return undefined
}

async function surveyHost(host: Host, plays: Play[], options: RunOptions): Promise<Surveyed> {
  options.emit({ type: 'host-connecting', host: host.name, address: `${host.address}:${host.port}` })
  const connection = await options.connect(host)
  try {
    const { facts, left } = await readHost(connection)
    // Before anything is read: what is taken back would not be as it was read.
    const noticed = await settleGuards(connection, left, { change: options.mode !== 'check' })
    for (const message of noticed) options.emit({ type: 'host-noticed', host: host.name, message })
    const placed = placeResources(host, plays, facts, options)
    const readings = await survey(
      placed.map(({ resource }) => resource),
      { connection, artifacts: options.artifacts, signal: options.signal, progress: () => {} },
    )
    return { connection, placed, readings, noticed }
  } catch (error) {
    connection.close()
    throw error
  }
}

/** @throws SluiceError HOST_UNSUPPORTED */
export async function readFacts(connection: Connection): Promise<Facts> {
  return (await readHost(connection)).facts
}

async function readHost(connection: Connection): Promise<{ facts: Facts; left: LeftGuard[] }> {
  if (connection.facts !== undefined) return { facts: connection.facts, left: [] }
  const [facts, guards] = await runBatch(connection, [factsScript, leftGuardsScript], {
    stopOnFailure: false,
    timeoutSeconds: () => 30,
    keepShell: true,
  })
  return {
    facts: parseFacts(facts?.stdout ?? '', connection.host.name),
    left: parseLeftGuards(guards?.stdout ?? ''),
  }
}

/** The resources of all roles that a host has, in the order in which they are worked on. */
function placeResources(host: Host, plays: Play[], facts: Facts, options: RunOptions): Placed[] {
  const { inventory, mode, removeData } = options
  const variables = variablesOf(host, inventory, options.overrides)
  const context: RoleContext = {
    host,
    facts,
    inventory,
    group: (name) => inventory.hosts.filter(({ groups }) => groups.includes(name)),
    paramsOf: (role, other) =>
      role.read(variablesOf(other, inventory, options.overrides)[role.name], other.name),
  }
  const placed = plays.flatMap((play) =>
    play.roles.flatMap((role) =>
      role
        .resources(variables[role.name], context)
        .map((resource) => ({ play: play.name, role: role.name, resource })),
    ),
  )
  if (mode !== 'remove') return placed
  return placed
    .filter(({ resource }) => resource.remove !== undefined && (removeData || !resource.holdsData))
    .reverse()
}

function checkVariables({ playbook, inventory, hosts, overrides, knownRoles }: RunOptions): void {
  for (const host of hosts) {
    const variables = variablesOf(host, inventory, overrides)
    for (const { hosts: pattern, roles: ofPlay } of playbook.plays) {
      if (!hostsOfPlay(inventory, pattern).includes(host)) continue
      for (const role of ofPlay) role.read(variables[role.name], host.name)
    }
  }
  for (const override of overrides) {
    const unknown = Object.keys(override).find((name) => !knownRoles.includes(name))
    if (unknown === undefined) continue
    throw new SluiceError('VARIABLE_INVALID', {
      subject: `the variable "${unknown}" belongs to no role`,
      why: `the roles: ${knownRoles.join(', ')}`,
      advice: 'variables are named role.parameter, for example kafka.heapMb',
    })
  }
}
