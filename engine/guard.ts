import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { type Outcome, runBatch } from './batch.ts'
import { reasonOf, SluiceError } from './errors.ts'
import {
  type ArmedGuard,
  armScript,
  confirmScript,
  type HealCause,
  healedScript,
  type LeftGuard,
  renewScript,
  takeBackScript,
} from './guard-scripts.ts'
import type { Guard } from './resource.ts'
import { lines, type Script, sh } from './shell.ts'
import type { Connection } from './transport/connection.ts'

/** How long a host waits for a confirmation before it takes a change of access back. */
export const defaultGuardSeconds = 30

/** After the time is up: how much longer the host may need to be reachable again. */
const graceSeconds = 20
const pauseMs = 250
/**
 * OpenSSH 9.8 and later shuts an address out for a while where it has refused logins from there in quick succession
 * (PerSourcePenalties: 5 s for each, in force from 15 s on). In this time one penalty is over.
 */
const refusedPauseMs = 5000

export interface GuardOptions {
  /** The resource that is changed, for what is said of it. */
  name: string
  seconds: number
  /** Opens a new connection to the host, at another port when one is named. */
  reconnect(port?: number): Promise<Connection>
  progress(message: string): void
}

/**
 * Makes a change that can shut the controller out: first the host is told to take it back by itself after a while,
 * then it is made, and only a new connection, on which a command runs as root, makes it stay.
 *
 * @returns that new connection, to be used from here on: what sshd allows the old one is what it was told before
 * @throws SluiceError LOCKOUT_PREVENTED when no new connection came about and the host took the change back; what
 * `change` threw, after the host took back what was done
 */
export async function underGuard(
  connection: Connection,
  guard: Guard,
  options: GuardOptions,
  change: () => Promise<void>,
): Promise<Connection> {
  const { name, seconds } = options
  const armed = { id: randomBytes(6).toString('hex'), name, seconds }
  const begun = performance.now()
  await onHost(connection, armScript(armed, guard))
  let armedAt = begun
  try {
    armedAt = await underWay(connection, armed, begun, change)
  } catch (error) {
    const stopped = error instanceof SluiceError && error.code === 'INTERRUPTED'
    await takeBack(connection, armed, stopped ? 'stopped' : 'failed')
    throw error
  }
  const { proven, refusal } = await confirm(armed, guard, armedAt, options)
  if (proven !== undefined) {
    const { host } = connection
    if (guard.sshPort !== undefined && guard.sshPort !== host.port)
      options.progress(`${host.name} answers on port ${guard.sshPort} now: put that port into the inventory`)
    return proven
  }
  const reason = reasonOf(refusal)
  options.progress(`no new connection (${reason}): the host takes the change back`)
  await takeBack(connection, armed, 'unproven')
  throw await afterwards(armed, armedAt, reason, connection, options)
}

/**
 * Makes the change, and as long as that takes, tells the host on the former connection that it is under way: else a
 * slow host would take it back in the middle. When nobody can tell it any more, its time runs.
 *
 * @returns when the host's time began last
 */
async function underWay(
  connection: Connection,
  armed: ArmedGuard,
  begun: number,
  change: () => Promise<void>,
): Promise<number> {
  let armedAt = begun
  const done = new AbortController()
  const renew = async () => {
    while (!done.signal.aborted) {
      await pause(armed.seconds * 250, undefined, { signal: done.signal, ref: false })
      const asked = performance.now()
      await onHost(connection, renewScript(armed))
      if (!done.signal.aborted) armedAt = asked
    }
  }
  // Where it cannot be told, the time that it has goes on; whether the change stays is decided by a new connection.
  renew().catch(() => {})
  try {
    await change()
  } finally {
    done.abort()
  }
  return armedAt
}

/** One guard for all that these watch over. */
export function joinedGuards(guards: readonly Guard[]): Guard {
  const restores = new Map(guards.map(({ restore }) => [restore.text, restore]))
  const sshPort = guards.findLast((guard) => guard.sshPort !== undefined)?.sshPort
  return {
    paths: [...new Set(guards.flatMap(({ paths }) => paths))],
    restore: lines([...restores.values()].map((restore) => sh`( ${restore} )`)),
    ...(sshPort !== undefined && { sshPort }),
  }
}

/** Takes back what earlier runs left unconfirmed, and forgets what is told now; what to tell, in words. */
export async function settleGuards(
  connection: Connection,
  left: readonly LeftGuard[],
  { change }: { change: boolean },
): Promise<string[]> {
  if (change) {
    for (const guard of left) {
      if (guard.state === 'pending') await onHost(connection, takeBackScript(guard, 'left'))
      await onHost(connection, healedScript(guard))
    }
  }
  return left.map((guard) => {
    if (guard.state === 'healed') {
      return `an earlier run's change of ${guard.name} ${whatBecame(guard.cause)}: the host took it back at ${guard.at}`
    }
    return change
      ? `an earlier run's change of ${guard.name} was not confirmed yet: taken back`
      : `an earlier run's change of ${guard.name} is not confirmed: the host will take it back`
  })
}

const fates: Record<HealCause, string> = {
  timer: 'was not confirmed in its time',
  boot: 'was not confirmed before the host was restarted',
  failed: 'failed, as that run has said',
  stopped: 'was stopped half-way',
  unproven: 'let no new connection through',
  left: 'was left unconfirmed by a run that ended',
}

/** A host may still have a record of another version, with another word. */
const whatBecame = (cause: string) => fates[cause as HealCause] ?? 'did not stay'

async function onHost(connection: Connection, script: Script): Promise<Outcome> {
  const [outcome] = await runBatch(connection, [script], {
    stopOnFailure: false,
    timeoutSeconds: () => 30,
  })
  if (outcome === undefined) throw new TypeError('a batch of one has one outcome')
  if (outcome.exitCode === 0) return outcome
  throw new SluiceError('STEP_FAILED', {
    subject: `a command of the guard ended with exit code ${outcome.exitCode}`,
    why: `${script.shown}\n${outcome.stderr}`.trim(),
    advice: 'correct what it names and run again',
  })
}

/** Asks the host to take the change back at once. When it cannot be asked any more, its own timer does it. */
async function takeBack(
  connection: Connection,
  armed: ArmedGuard,
  cause: 'failed' | 'stopped' | 'unproven',
): Promise<void> {
  const asked = onHost(connection, takeBackScript(armed, cause)).catch((error: unknown) => {
    if (!(error instanceof SluiceError)) throw error
  })
  await Promise.race([asked, pause(armed.seconds * 1000, undefined, { ref: false })])
}

/** @returns the new connection that makes the change stay, or why there was none */
async function confirm(
  armed: ArmedGuard,
  guard: Guard,
  armedAt: number,
  { reconnect }: GuardOptions,
): Promise<{ proven?: Connection; refusal?: unknown }> {
  const until = armedAt + (armed.seconds * 1000) / 2
  let refusal: unknown
  do {
    const left = Math.max(1000, armedAt + armed.seconds * 800 - performance.now())
    try {
      const proven = await inTime(reconnect(guard.sshPort), left)
      try {
        await onHost(proven, confirmScript(armed))
        return { proven }
      } catch (error) {
        proven.close()
        throw error instanceof SluiceError && error.code === 'STEP_FAILED' ? decidedAlready(error) : error
      }
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error
      refusal = error
    }
    await pause(Math.min(pauseAfter(refusal), Math.max(0, until - performance.now())))
  } while (performance.now() < until)
  return { refusal }
}

const decidedAlready = (cause: SluiceError) =>
  new SluiceError('CONNECTION_LOST', {
    subject: 'the way to the host was cut off until its time was over',
    advice: 'run again: nothing has to be repaired',
    cause,
  })

const pauseAfter = (error: unknown) =>
  error instanceof SluiceError && error.code === 'LOGIN_REFUSED' ? refusedPauseMs : pauseMs

/** Looks, by a new connection, at what the host did. */
async function afterwards(
  { id, name, seconds }: ArmedGuard,
  armedAt: number,
  reason: string,
  { host }: Connection,
  { reconnect }: GuardOptions,
): Promise<SluiceError> {
  // However long the change took: there is time to look.
  const until = Math.max(armedAt + seconds * 1000, performance.now()) + graceSeconds * 1000
  let state = 'unreachable'
  let refusal: unknown
  while (performance.now() < until) {
    try {
      const fresh = await inTime(reconnect(), until - performance.now())
      const { stdout } = await onHost(fresh, healedScript({ id })).finally(() => fresh.close())
      state = stdout.trim()
      if (state === 'healed') break
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error
      state = `unreachable: ${error.message}`
      refusal = error
    }
    await pause(pauseAfter(refusal))
  }
  const after = ((performance.now() - armedAt) / 1000).toFixed(1)
  if (state === 'healed') {
    return new SluiceError('LOCKOUT_PREVENTED', {
      subject: `after the change of ${name} no new connection to ${host.name} was possible; the host took the change back`,
      why: `${reason}\nthe former state is in force again, and a new connection works (${after} s after the change began)`,
      advice: 'correct what would shut the controller out, then run again: nothing has to be repaired',
    })
  }
  return new SluiceError('LOCKOUT_PREVENTED', {
    subject: `after the change of ${name} no new connection to ${host.name} was possible, and it could not be seen that the host took the change back`,
    why: `${reason}\nafterwards: ${state}, for ${after} s`,
    advice: `look at ${host.name} by its console: /var/lib/sluice/guard has the former files; a restart puts them back`,
  })
}

/** A connection that must come about in time; one that comes later is closed. */
async function inTime(opening: Promise<Connection>, timeoutMs: number): Promise<Connection> {
  const late = new AbortController()
  const connection = await Promise.race([
    opening,
    pause(timeoutMs, undefined, { signal: late.signal, ref: false }),
  ])
  if (connection === undefined) {
    opening.then(
      (unwanted) => unwanted.close(),
      () => {},
    )
    throw new SluiceError('HOST_UNREACHABLE', {
      subject: `no connection came about within ${(timeoutMs / 1000).toFixed(1)} s`,
      advice: 'look whether the host still answers; where it is only slow, --guard-seconds gives it longer',
    })
  }
  late.abort()
  return connection
}
