import { runBatch } from './batch.ts'
import { closest } from './closest.ts'
import { SluiceError } from './errors.ts'
import { type Emit, isCheck, isRemoval, type Mode } from './events.ts'
import { type Facts, factsScript, parseFacts } from './facts.ts'
import { settleGuards } from './guard.ts'
import { type LeftGuard, leftGuardsScript, parseLeftGuards } from './guard-scripts.ts'
import { type LockState, lockedBy, parseLockState } from './host-lock.ts'
import { lockStateScript } from './host-lock-scripts.ts'
import type { Host, Inventory, Variables } from './inventory.ts'
import type { Placed } from './plan.ts'
import type { Play } from './playbook.ts'
import { type ArtifactSettings, type Resource, resourceName } from './resource.ts'
import type { RoleContext } from './role.ts'
import { type Reading, survey } from './survey.ts'
import type { Connection } from './transport/connection.ts'
import { placeOf } from './transport/errors.ts'
import { variablesOf } from './variables.ts'

/** What a host is like before anything is done to it. */
export interface Surveyed {
  connection: Connection
  placed: Placed[]
  readings: Map<Resource, Reading>
  lock: LockState
}

/** Where in a playbook a run begins. */
export interface StartAt {
  role: string
  /** Kind and id, or the id alone. */
  resource?: string
}

export interface SurveyOptions {
  inventory: Inventory
  mode: Mode
  /** Vars files and `--var`, later ones winning. */
  overrides: Variables[]
  /** In a removal: whether resources that hold data go too. */
  removeData: boolean
  /** Nothing is done before the first of this role, or before this resource of it. */
  startAt?: StartAt | undefined
  artifacts: ArtifactSettings
  connect(host: Host): Promise<Connection>
  emit: Emit
  signal?: AbortSignal
}

/** Says what the user should know that is not of this run's own doing. */
export type Notice = (message: string) => void

/** Connects to a host and reads all that its plays declare. */
export async function surveyHost(
  host: Host,
  plays: Play[],
  options: SurveyOptions,
  notice: Notice,
): Promise<Surveyed> {
  const { emit } = options
  emit({ type: 'host-connecting', host: host.name, address: placeOf(host) })
  const started = performance.now()
  const connection = await options.connect(host)
  const connected = performance.now()
  emit({ type: 'phase-ended', host: host.name, phase: 'connect', durationMs: connected - started })
  try {
    const { facts, lock } = await readSettled(connection, options, notice)
    const placed = placeResources(host, plays, facts, options)
    const readings = await readAll(connection, placed, options)
    const durationMs = performance.now() - connected
    emit({ type: 'phase-ended', host: host.name, phase: 'read', durationMs })
    return { connection, placed, readings, lock }
  } catch (error) {
    connection.close()
    throw error
  }
}

/** Reads what a host says of itself, and has it take back first what an earlier run has not confirmed. */
export async function readSettled(
  connection: Connection,
  { mode }: Pick<SurveyOptions, 'mode'>,
  notice: Notice,
): Promise<{ facts: Facts; lock: LockState }> {
  const { facts, left, lock } = await readHost(connection)
  // A change that waits for its confirmation is not to be taken back from under the run that makes it.
  const pending = left.some(({ state }) => state === 'pending')
  if (pending && lock.holder !== undefined && !isCheck(mode))
    throw lockedBy(lock.holder, connection.host.name)
  for (const message of await settleGuards(connection, left, { change: !isCheck(mode) })) notice(message)
  return { facts, lock }
}

/** The state of all these resources. */
export function readAll(
  connection: Connection,
  placed: readonly Placed[],
  { artifacts, signal }: Pick<SurveyOptions, 'artifacts' | 'signal'>,
): Promise<Map<Resource, Reading>> {
  return survey(
    placed.map(({ resource }) => resource),
    { connection, artifacts, signal, progress: () => {} },
  )
}

/** @throws SluiceError HOST_UNSUPPORTED */
export async function readFacts(connection: Connection): Promise<Facts> {
  return (await readHost(connection)).facts
}

async function readHost(
  connection: Connection,
): Promise<{ facts: Facts; left: LeftGuard[]; lock: LockState }> {
  if (connection.facts !== undefined) return { facts: connection.facts, left: [], lock: {} }
  const [facts, guards, lock] = await runBatch(connection, [factsScript, leftGuardsScript, lockStateScript], {
    stopOnFailure: false,
    timeoutSeconds: () => 30,
    keepShell: true,
  })
  return {
    facts: parseFacts(facts?.stdout ?? '', connection.host.name),
    left: parseLeftGuards(guards?.stdout ?? ''),
    lock: parseLockState(lock?.stdout ?? ''),
  }
}

/** The resources of all roles that a host has, in the order in which they are worked on. */
function placeResources(host: Host, plays: Play[], facts: Facts, options: SurveyOptions): Placed[] {
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
  if (!isRemoval(mode)) {
    for (const { roles } of plays) for (const role of roles) role.require(variables[role.name], context)
  }
  const placed = plays.flatMap((play) =>
    play.roles.flatMap((role) =>
      role
        .resources(variables[role.name], context)
        .map((resource) => ({ play: play.name, role: role.name, resource })),
    ),
  )
  if (!isRemoval(mode)) return fromStart(placed, host, options.startAt)
  return placed
    .filter(({ resource }) => resource.remove !== undefined && (removeData || !resource.holdsData))
    .reverse()
}

/**
 * What is before the resource at which the run begins is left as it is. Roles before it are not in the playbook then.
 *
 * @throws SluiceError START_UNKNOWN
 */
function fromStart(placed: Placed[], host: Host, startAt: StartAt | undefined): Placed[] {
  if (startAt?.resource === undefined) return placed
  const { role, resource: wanted } = startAt
  const first = placed.findIndex((item) => item.role === role)
  // A host without the role has only what comes after it.
  if (first < 0) return placed
  const start = placed.findIndex(
    ({ role: of, resource }) => of === role && (resource.id === wanted || resourceName(resource) === wanted),
  )
  if (start >= 0) return [...placed.slice(0, first), ...placed.slice(start)]
  const names = placed.filter((item) => item.role === role).map(({ resource }) => resourceName(resource))
  const near = closest(wanted, names)
  throw new SluiceError('START_UNKNOWN', {
    subject: `the role ${role} has no resource "${wanted}" there, and no host was changed`,
    at: host.name,
    why: near.length > 0 ? `the closest: ${near.join(', ')}` : `its resources: ${names.join(', ')}`,
    advice:
      near.length > 0
        ? `type --start-at "${role}/${near[0]}" if that is meant; --limit leaves out hosts that do not have it`
        : `name one of these after --start-at ${role}/; --limit leaves out hosts that do not have it`,
  })
}
