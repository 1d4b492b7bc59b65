import type { Emit, Mode } from './events.ts'
import type { HostLock } from './host-lock.ts'
import type { Notice } from './host-survey.ts'
import type { ArtifactSettings } from './resource.ts'
import type { Connection } from './transport/connection.ts'

/** What the run of a host is for, and what it may use. */
export interface HostRunOptions {
  /** What may be changed, by `keyOf`; without this, all that differs. */
  permitted?: ReadonlySet<string> | undefined
  /** Without one, nobody else is at the host. */
  lock?: HostLock | undefined
  mode: Mode
  emit: Emit
  notice: Notice
  artifacts: ArtifactSettings
  signal?: AbortSignal
  /** Opens one more connection to the host, to prove that it still lets the controller in. */
  reconnect(port: number): Promise<Connection>
  /** How long the host waits for that proof before it takes a change back. */
  guardSeconds?: number | undefined
}
