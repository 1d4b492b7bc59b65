import type { SluiceError } from '../../engine/errors.ts'
import type { Mode, PlannedChange, RunEvent } from '../../engine/events.ts'
import type { HostLock } from '../../engine/host-lock.ts'
import { HostRun } from '../../engine/host-run.ts'
import { type Placed, planHost } from '../../engine/plan.ts'
import type { Resource } from '../../engine/resource.ts'
import { survey } from '../../engine/survey.ts'
import type { Connection } from '../../engine/transport/connection.ts'
import { scratch } from './resources.ts'

export interface Converged {
  planned: PlannedChange[]
  changed: string[]
  begun: string[]
  notTried: string[]
  ok: number
  events: RunEvent[]
  error: SluiceError | undefined
}

let made: string | undefined

/** A cache of this process's own. */
function cache(): string {
  made ??= scratch()
  return made
}

/** Brings one host to these resources, as a run does, and says what became of it. */
export async function converge(
  connection: Connection,
  resources: Resource[],
  {
    mode = 'apply',
    signal,
    cacheDirectory = cache(),
    guardSeconds,
    lock,
    reconnect = () => Promise.reject(new TypeError('this test has no way to connect again')),
  }: {
    mode?: Mode
    signal?: AbortSignal
    cacheDirectory?: string
    guardSeconds?: number
    lock?: HostLock
    reconnect?(port: number): Promise<Connection>
  } = {},
): Promise<Converged> {
  const ordered = mode === 'remove' ? resources.toReversed() : resources
  const placed: Placed[] = ordered.map((resource) => ({ play: 'play', role: 'role', resource }))
  const artifacts = { cacheDirectory }
  const readings = await survey(ordered, { connection, artifacts, signal, progress: () => {} })
  const { planned } = planHost(connection.host.name, placed, readings, mode)
  const events: RunEvent[] = []
  const run = new HostRun(connection, placed, readings, {
    mode,
    artifacts,
    reconnect,
    notice: () => {},
    guardSeconds,
    lock,
    emit: (event) => events.push(event),
    ...(signal && { signal }),
  })
  const error = await run.apply(placed).then(
    () => undefined,
    (thrown: unknown) => thrown as SluiceError,
  )
  const { state } = run
  const changed = state.changed.map(({ resource }) => resource)
  return { planned, changed, begun: state.begun, notTried: state.notTried, ok: state.ok, events, error }
}
