import { randomBytes } from 'node:crypto'
import { hostname, userInfo } from 'node:os'
import { type Outcome, runBatch } from './batch.ts'
import { SluiceError } from './errors.ts'
import type { Mode } from './events.ts'
import {
  keepScript,
  type LockOwner,
  lockedExitCode,
  movedExitCode,
  releaseScript,
  settleSessionsScript,
  takeScript,
} from './host-lock-scripts.ts'
import type { Script } from './shell.ts'
import type { Connection } from './transport/connection.ts'

/** Who holds a host's lock. */
export interface LockHolder {
  run: string
  /** By the host's clock. */
  since: Date
  now: Date
  who: string
  what: string
}

/** What a host says of its lock when it is read. */
export interface LockState {
  /** The run that changed the host last, since the host started. */
  last?: string
  /** A run that is at it now. */
  holder?: LockHolder
}

/** This process's run of a playbook. Words that were typed are left out: they may hold a secret. */
export function lockOwner(playbook: string, mode: Mode): LockOwner {
  return {
    run: randomBytes(8).toString('hex'),
    who: `${userInfo().username}@${hostname()}`,
    what: `${mode === 'remove' ? `removal of ${playbook}` : playbook}, process ${process.pid}`,
  }
}

export function parseLockState(output: string): LockState {
  const lines = output.split('\n')
  const last = lines.find((line) => line.startsWith('last '))?.slice('last '.length)
  const holder = parseHolder(lines, 'held')
  return { ...(last !== undefined && { last }), ...(holder !== undefined && { holder }) }
}

function parseHolder(lines: readonly string[], word: string): LockHolder | undefined {
  const at = lines.indexOf(word)
  if (at < 0) return undefined
  const [run = '', since, now, who = '', what = ''] = lines.slice(at + 1)
  return { run, since: timeOf(since), now: timeOf(now), who, what }
}

const timeOf = (epoch: string | undefined) => new Date(Number(epoch) * 1000)

/** The right of one run to change one host. It is taken with the first change, and not at all when there is none. */
export class HostLock {
  readonly #owner: LockOwner
  #seen: string | undefined
  #takenBy: Connection | undefined

  /** @param state what the host said when it was read */
  constructor(owner: LockOwner, state: LockState) {
    this.#owner = owner
    this.#seen = state.last
  }

  isTakenBy(connection: Connection): boolean {
    return this.#takenBy === connection
  }

  /** What a batch that changes the host begins with. */
  script(connection: Connection): Script {
    return this.isTakenBy(connection) ? keepScript(this.#owner) : takeScript(this.#owner, this.#seen)
  }

  /**
   * Judges what that script said.
   *
   * @returns `moved` when another run has changed the host since it was read, and what is worth telling of a former holder
   * @throws SluiceError HOST_LOCKED
   */
  judge(connection: Connection, { exitCode, stdout, stderr }: Outcome): { moved: boolean; notice?: string } {
    const lines = stdout.split('\n')
    const holder = parseHolder(lines, 'held')
    if (exitCode === lockedExitCode && holder !== undefined) throw lockedBy(holder, connection.host.name)
    if (exitCode !== 0 && exitCode !== movedExitCode) {
      throw new SluiceError('STEP_FAILED', {
        subject: `the lock of the host could not be taken, exit code ${exitCode}`,
        why: stderr.trim(),
        advice: 'see on the host whether /run can be written to and has room',
      })
    }
    const moved = exitCode === movedExitCode
    if (moved && this.isTakenBy(connection)) this.#takenBy = undefined
    else this.#takenBy = connection
    this.#seen = this.#owner.run
    const stale = parseHolder(lines, 'stale')
    return {
      moved,
      ...(stale && { notice: `${described(stale)} did not end there: its lock was taken over` }),
    }
  }

  /** What was read by another connection, after the one that had taken the lock was lost. */
  readAgain(state: LockState): void {
    this.#seen = state.last
  }

  /** Gives the lock back, if it was taken, by this connection or a former one. */
  async release(connection: Connection): Promise<void> {
    if (this.#takenBy === undefined) return
    this.#takenBy = undefined
    const options = { stopOnFailure: false, timeoutSeconds: () => 30 }
    await runBatch(connection, [releaseScript(this.#owner)], options).catch((error: unknown) => {
      // With the connection the lock is lost anyway.
      if (!(error instanceof SluiceError)) throw error
    })
  }

  settleSessionsScript(seconds: number): Script {
    return settleSessionsScript(this.#owner, seconds)
  }
}

export function lockedBy(holder: LockHolder, host: string): SluiceError {
  return new SluiceError('HOST_LOCKED', {
    subject: `another run is changing ${host}: ${holder.who}`,
    at: host,
    why: `it is ${described(holder)}, and it is still at it`,
    advice:
      'wait until that run has ended, or stop it there, then run again; a run that is killed loses its lock with its connection',
  })
}

/** In the middle of a change of several steps, where the host cannot simply be read again. */
export function lockLost(host: string): SluiceError {
  return new SluiceError('HOST_LOCKED', {
    subject: `the lock of ${host} is no longer this run's, in the middle of a change`,
    why: 'another run took it over, or somebody removed /run/sluice-lock',
    advice:
      'see with sluice log, there and here, who is at this host; then run again: it goes on from what is there',
  })
}

function described({ who, what, since, now }: LockHolder): string {
  const seconds = Math.max(0, Math.round((now.getTime() - since.getTime()) / 1000))
  const ago = seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`
  return `the run of ${who} (${what}), which took the lock at ${since.toISOString().replace('.000', '')}, ${ago} ago`
}
