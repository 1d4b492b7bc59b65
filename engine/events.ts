import type { SluiceError } from './errors.ts'
import type { Change } from './resource.ts'

/** What a run is for: make it so, or take it away again; or only say what either would do. */
export type Mode = 'apply' | 'check' | 'remove' | 'check-removal'

/** Whether nothing is changed: what would be done is only said. */
export function isCheck(mode: Mode): boolean {
  return mode === 'check' || mode === 'check-removal'
}

/** Whether it is about taking away what was made. */
export function isRemoval(mode: Mode): boolean {
  return mode === 'remove' || mode === 'check-removal'
}

/** Where in a run something happens. */
export interface Place {
  host: string
  play: string
  role: string
  /** Kind and id. */
  resource: string
}

export interface PlannedChange extends Place {
  changes: Change[]
  /** Names of resources whose own change must come first; with no changes, the decision waits for them. */
  after: string[]
}

/** Why a host was left out when somebody stopped the run before its turn came. */
export const stoppedReason = 'not tried: the run was stopped'

export interface HostResult {
  host: string
  status: 'ok' | 'changed' | 'failed' | 'skipped'
  /** Resources that were as declared. */
  ok: number
  changed: PlannedChange[]
  /** In a check: what only the run can tell, since a change must come first, or a service is not ready now. */
  undecided?: PlannedChange[]
  /** What the host had to say of earlier runs: a change that it took back by itself, for example. */
  noticed?: string[]
  /** Resources whose change began and did not end: some of it may be done. */
  begun?: string[]
  /** Resources that were not tried because an earlier one failed, or the run was stopped. */
  notTried: string[]
  /** Why the host failed or was left out. */
  error?: SluiceError
  reason?: string
  durationMs: number
}

/** What takes a host's time besides the changes themselves. */
export type Phase = 'connect' | 'read' | 'verify'

/** Where a run's time went, in milliseconds. What hosts do at the same time adds up to more than the run took. */
export interface Profile {
  hosts: ({ host: string; apply: number } & Record<Phase, number>)[]
  /** The longest first, as with the resources: those that were changed or waited for. */
  roles: { role: string; resources: number; hosts: number; durationMs: number }[]
  resources: (Place & { durationMs: number })[]
}

export interface RunResult {
  playbook: string
  mode: Mode
  /** What one of the hosts is, where it is no host: `region`. */
  noun?: string
  hosts: HostResult[]
  durationMs: number
  interrupted: boolean
  /** Missing in records of earlier versions. */
  profile?: Profile
}

/** Everything that a run says while it works. The engine emits these and never prints. */
export type RunEvent =
  | { type: 'run-started'; playbook: string; mode: Mode; noun?: string; hosts: string[] }
  | { type: 'host-connecting'; host: string; address: string }
  /** Something on the host that an earlier run left and that the user should know. */
  | { type: 'host-noticed'; host: string; message: string }
  | { type: 'host-surveyed'; host: string; resources: number; pending: number; durationMs: number }
  | { type: 'resource-planned'; planned: PlannedChange }
  | { type: 'resource-started'; place: Place }
  | { type: 'resource-progress'; place: Place; message: string }
  | { type: 'resource-changed'; planned: PlannedChange; durationMs: number }
  | { type: 'resource-waited'; place: Place; durationMs: number }
  | { type: 'phase-ended'; host: string; phase: Phase; durationMs: number }
  | { type: 'host-waiting'; host: string; play: string; needs: string[] }
  | { type: 'host-ended'; result: HostResult }
  | { type: 'run-ended'; result: RunResult }

export type Emit = (event: RunEvent) => void
