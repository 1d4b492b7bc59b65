import { setTimeout as pause } from 'node:timers/promises'
import { act, runScripts, type ScriptsOptions } from './apply.ts'
import { interrupted, SluiceError } from './errors.ts'
import { isRemoval, type Mode } from './events.ts'
import { defaultGuardSeconds, joinedGuards, underGuard } from './guard.ts'
import { lockLost } from './host-lock.ts'
import type { HostRunOptions } from './host-run-options.ts'
import { HostState } from './host-state.ts'
import { HostVoice } from './host-voice.ts'
import { type Placed, pendingChanges, probeRefused, refusalOf } from './plan.ts'
import {
  type Change,
  type ControllerAccess,
  type Guard,
  type Resource,
  resourceName,
  type Step,
} from './resource.ts'
import { unplanned } from './saved-plan.ts'
import { nextSegment, type Pending, type Segment, spanEnd, stepsOf } from './segment.ts'
import type { Reading } from './survey.ts'
import type { Connection } from './transport/connection.ts'
import { verify } from './verification.ts'

/** One host's way through a playbook: what is known of it, what was done, and what was not. */
export class HostRun {
  readonly state: HostState
  #connection: Connection
  #guarding = false
  readonly #mode: Mode
  readonly #voice: HostVoice
  readonly #signal: AbortSignal | undefined
  readonly #options: HostRunOptions

  constructor(
    connection: Connection,
    all: readonly Placed[],
    readings: Map<Resource, Reading>,
    options: HostRunOptions,
  ) {
    this.#connection = connection
    this.state = new HostState(all, readings, options.mode)
    this.#mode = options.mode
    this.#voice = new HostVoice(connection.host.name, options.emit)
    this.#signal = options.signal
    this.#options = options
  }

  /** Whether another connection could go on after this error: not where a guard decides what becomes of a change. */
  canGoOn(error: unknown): boolean {
    return error instanceof SluiceError && error.code === 'CONNECTION_LOST' && !this.#guarding
  }

  /** Goes on by another connection, from what the host has now. */
  goOn(connection: Connection, readings: Map<Resource, Reading>): void {
    this.#connection.close()
    this.#connection = connection
    this.state.readings = readings
    this.state.stale.clear()
  }

  /** Gives the host back to other runs, and ends the connection that the run uses now. */
  async close(): Promise<void> {
    await this.#options.lock?.release(this.#connection)
    this.#connection.close()
  }

  /**
   * Applies what differs, in order, and asks again whether it now holds.
   *
   * @throws SluiceError of the first resource that failed; what comes after it was not tried
   */
  async apply(placed: readonly Placed[]): Promise<void> {
    const changedHere: Placed[] = []
    await this.#applyFrom(placed, 0, changedHere)
    const started = performance.now()
    await verify(changedHere, this.#mode, this.#access())
    if (changedHere.length > 0) this.#voice.spent('verify', started)
  }

  async #applyFrom(placed: readonly Placed[], start: number, changedHere: Placed[]): Promise<void> {
    for (let next = start; next < placed.length; ) {
      if (this.#signal?.aborted) throw interrupted()
      const first = placed[next]
      if (first === undefined) break
      const left = placed.slice(next).map(({ resource }) => resource)
      const asked = performance.now()
      if (await this.state.readAgain(left, this.#access())) this.#voice.spent('read', asked)
      const segment = nextSegment(placed, next, this.state)
      if (segment.pending.length > 0) {
        for (const pending of segment.pending) this.#permit(pending)
        if ((await this.#applySegment(segment)) === 'moved') continue
        changedHere.push(...segment.pending.map((pending) => pending.placed))
        next = segment.end
      } else if (this.state.differs(first.resource) && (await this.#holdLock()) === 'moved') {
        // Now that the lock is held nobody alters it any more.
      } else {
        const started = performance.now()
        const pending = await this.#prepare(first)
        if (pending !== undefined) {
          this.#permit(pending)
          const end = await this.#applyGuarded(placed, next, pending, started, changedHere)
          if (end > next + 1) {
            next = end
            continue
          }
        }
        this.state.done(first.resource)
        next++
      }
    }
  }

  /**
   * Applies what has to go by itself; what can shut the controller out, under its guard.
   *
   * @returns the index of the first resource that this has not seen to
   */
  async #applyGuarded(
    placed: readonly Placed[],
    at: number,
    pending: Pending,
    started: number,
    changedHere: Placed[],
  ): Promise<number> {
    const { placed: first, changes } = pending
    const { guard } = first.resource
    const whole = async () => {
      await this.#applyStepwise(pending)
      this.#changed(first, changes, performance.now() - started)
      changedHere.push(first)
    }
    // Within what a guard covers, that one counts.
    if (guard === undefined || this.#guarding) {
      await whole()
      return at + 1
    }
    const follows = guard.settleSeconds !== undefined && !isRemoval(this.#mode)
    const end = follows ? spanEnd(placed, at, changes) : at + 1
    const covered = placed.slice(at, end).filter(({ resource }) => resource.guard !== undefined)
    const guards = covered.flatMap(({ resource }) => resource.guard ?? [])
    try {
      await this.#underGuard(first, covered, joinedGuards(guards), async () => {
        if (!follows) return this.#applyStepwise(pending)
        await whole()
        this.state.done(first.resource)
        await this.#applyFrom(placed.slice(0, end), at + 1, changedHere)
        await pause((guard.settleSeconds ?? 0) * 1000)
      })
    } catch (error) {
      // What a guard watches over the host takes back by itself.
      for (const each of covered) this.state.takenBack(each)
      throw this.#voice.errorAt(first, error)
    }
    if (!follows) {
      this.#changed(first, changes, performance.now() - started)
      changedHere.push(first)
    }
    return end
  }

  async #underGuard(
    first: Placed,
    covered: readonly Placed[],
    guard: Guard,
    act: () => Promise<void>,
  ): Promise<void> {
    const { guardSeconds = defaultGuardSeconds } = this.#options
    const reconnect = (port = this.#connection.host.port) => this.#options.reconnect(port)
    const progress = (message: string) => this.#voice.progress(first, message)
    const name = covered.map(({ resource }) => resourceName(resource)).join(', ')
    this.#guarding = true
    const former = this.#connection
    const options = { name, seconds: guardSeconds, reconnect, progress }
    this.#connection = await underGuard(former, guard, options, act)
    this.#guarding = false
    // The lock goes with the connection that has it.
    await this.#holdLock().finally(() => former.close())
  }

  async #prepare(placed: Placed): Promise<Pending | undefined> {
    const { resource } = placed
    const reading = this.state.readings.get(resource)
    if (reading?.state !== 'read') throw this.#voice.errorAt(placed, probeRefused(resource, reading))
    const refusal = refusalOf(resource, reading.have, this.#mode)
    if (refusal !== undefined) throw this.#voice.errorAt(placed, refusal)
    const changes = pendingChanges(resource, reading.have, this.#mode)
    if (changes.length === 0) return undefined
    this.#voice.started(placed)
    try {
      if (isRemoval(this.#mode))
        return { placed, changes, steps: stepsOf(resource, this.#mode, reading.have, undefined) }
      const prepared = await resource.prepare?.(this.#access(placed))
      const settled = resource.settle?.(reading.have, prepared) ?? changes
      return { placed, changes: settled, steps: stepsOf(resource, this.#mode, reading.have, prepared) }
    } catch (error) {
      throw this.#voice.errorAt(placed, error)
    }
  }

  async #applyStepwise({ placed, steps }: Pending): Promise<void> {
    try {
      for (const step of steps) {
        if (this.#signal?.aborted) throw interrupted()
        this.state.begin(placed.resource)
        await this.#act(step, placed)
      }
    } catch (error) {
      throw this.#voice.errorAt(placed, error)
    }
  }

  async #act(step: Step, placed: Placed): Promise<void> {
    if (step.kind !== 'script') await act(step, this.#access(placed))
    else if ((await this.#runScripts([step], () => placed)) === 'moved')
      throw lockLost(this.#connection.host.name)
  }

  async #applySegment({ pending, passed }: Segment): Promise<'moved' | undefined> {
    const entries = pending.flatMap((item) => item.steps.map((step, index) => ({ item, step, index })))
    let started = performance.now()
    const moved = await this.#runScripts(
      entries.map(({ step }) => step),
      (index) => entries[index]?.item.placed,
      {
        onStart: (index) => {
          const entry = entries[index]
          if (index === 0) for (const resource of passed) this.state.done(resource)
          if (entry?.index !== 0) return
          started = performance.now()
          this.state.begin(entry.item.placed.resource)
          this.#voice.started(entry.item.placed)
        },
        onEnd: (index, succeeded) => {
          const entry = entries[index]
          if (entry === undefined || !succeeded || entry.index < entry.item.steps.length - 1) return
          this.#changed(entry.item.placed, entry.item.changes, performance.now() - started)
          this.state.done(entry.item.placed.resource)
        },
      },
    )
    if (this.#signal?.aborted) throw interrupted()
    return moved
  }

  /** Runs scripts of resources; what only waits needs no lock. */
  async #runScripts(
    steps: readonly Step[],
    owner: (index: number) => Placed | undefined,
    hooks: Pick<ScriptsOptions, 'onStart' | 'onEnd'> = {},
  ): Promise<'moved' | undefined> {
    const waiting = steps.length > 0 && steps.every((_, index) => owner(index)?.resource.waits)
    const failure = await runScripts(this.#connection, steps, {
      ...hooks,
      signal: this.#signal,
      lock: waiting ? undefined : this.#options.lock,
      onNotice: this.#options.notice,
    })
    if (failure === 'moved') this.state.forget()
    if (failure === undefined || failure === 'moved') return failure
    const placed = failure.index === undefined ? undefined : owner(failure.index)
    throw placed === undefined ? failure.error : this.#voice.errorAt(placed, failure.error)
  }

  async #holdLock(): Promise<'moved' | undefined> {
    const { lock } = this.#options
    if (lock === undefined || lock.isTakenBy(this.#connection)) return undefined
    return this.#runScripts([], () => undefined)
  }

  /** @throws SluiceError PLAN_OUTDATED when the change is not one that was planned */
  #permit({ placed, changes }: Pending): void {
    if (placed.resource.waits) return
    const found = unplanned(this.#options.permitted, { ...this.#voice.where(placed), changes })
    if (found !== undefined) throw this.#voice.errorAt(placed, found)
  }

  #changed(placed: Placed, changes: Change[], durationMs: number): void {
    const planned = placed.resource.waits ? undefined : { ...this.#voice.where(placed), changes, after: [] }
    this.state.change(placed, planned, changes)
    if (planned === undefined) this.#voice.waited(placed, durationMs)
    else this.#voice.changed(planned, durationMs)
  }

  #access(placed?: Placed): ControllerAccess {
    return {
      connection: this.#connection,
      artifacts: this.#options.artifacts,
      signal: this.#signal,
      progress: (message) => {
        if (placed !== undefined) this.#voice.progress(placed, message)
      },
    }
  }
}
