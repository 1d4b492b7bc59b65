import { act, runScripts, type ScriptsOptions } from './apply.ts'
import { interrupted } from './errors.ts'
import type { Emit, Mode, PlannedChange } from './events.ts'
import { defaultGuardSeconds, underGuard } from './guard.ts'
import { errorAt, type Placed, pendingChanges, probeRefused } from './plan.ts'
import {
  type ArtifactSettings,
  type Change,
  type ControllerAccess,
  concerns,
  type Resource,
  resourceName,
  type Step,
} from './resource.ts'
import { nextSegment, type Pending, stepsOf } from './segment.ts'
import { type Reading, survey } from './survey.ts'
import type { Connection } from './transport/connection.ts'
import { verify } from './verification.ts'

export interface HostRunOptions {
  mode: Mode
  emit: Emit
  artifacts: ArtifactSettings
  signal?: AbortSignal
  /** Opens one more connection to the host, to prove that it still lets the controller in. */
  reconnect(port: number): Promise<Connection>
  /** How long the host waits for that proof before it takes a change back. */
  guardSeconds?: number | undefined
}

/** One host's way through a playbook: what is known of it, what was done, and what was not. */
export class HostRun {
  readonly changed: PlannedChange[] = []
  #connection: Connection
  readonly #mode: Mode
  readonly #emit: Emit
  readonly #signal: AbortSignal | undefined
  readonly #artifacts: ArtifactSettings
  readonly #readings: Map<Resource, Reading>
  readonly #stale = new Set<Resource>()
  readonly #done = new Set<Resource>()
  readonly #begun = new Set<Resource>()
  readonly #options: HostRunOptions
  #all: readonly Placed[]

  constructor(
    connection: Connection,
    all: readonly Placed[],
    readings: Map<Resource, Reading>,
    options: HostRunOptions,
  ) {
    this.#connection = connection
    this.#all = all
    this.#readings = readings
    this.#mode = options.mode
    this.#emit = options.emit
    this.#signal = options.signal
    this.#artifacts = options.artifacts
    this.#options = options
  }

  /** Resources that the run has not come to. */
  get notTried(): string[] {
    return this.#all
      .filter(({ resource }) => !this.#done.has(resource))
      .map(({ resource }) => resourceName(resource))
  }

  /** Resources whose change began and did not end. */
  get begun(): string[] {
    return [...this.#begun].map(resourceName)
  }

  get #knowledge() {
    return { readings: this.#readings, stale: this.#stale, mode: this.#mode }
  }

  get ok(): number {
    return this.#done.size - this.changed.length
  }

  /** Ends the connection that the run uses now. */
  close(): void {
    this.#connection.close()
  }

  /**
   * Applies what differs, in order, and asks again whether it now holds.
   *
   * @throws SluiceError of the first resource that failed; what comes after it was not tried
   */
  async apply(placed: readonly Placed[]): Promise<void> {
    const changedHere: Placed[] = []
    for (let next = 0; next < placed.length; ) {
      if (this.#signal?.aborted) throw interrupted()
      const first = placed[next]
      if (first === undefined) break
      // What could not be told while an earlier change was pending may well be told now.
      if (this.#readings.get(first.resource)?.state !== 'read') this.#stale.add(first.resource)
      if (this.#stale.has(first.resource))
        await this.#readAgain(placed.slice(next).map(({ resource }) => resource))
      const segment = nextSegment(placed, next, this.#knowledge)
      if (segment.pending.length > 0) {
        for (const resource of segment.passed) this.#done.add(resource)
        await this.#applySegment(segment.pending)
        changedHere.push(...segment.pending.map((pending) => pending.placed))
        next = segment.end
      } else {
        const pending = await this.#prepare(first)
        if (pending !== undefined) {
          await this.#applyStepwise(pending)
          changedHere.push(first)
        }
        this.#done.add(first.resource)
        next++
      }
    }
    await verify(changedHere, this.#mode, this.#access())
  }

  async #prepare(placed: Placed): Promise<Pending | undefined> {
    const { resource } = placed
    const reading = this.#readings.get(resource)
    if (reading?.state !== 'read') throw this.#place(probeRefused(resource, reading), placed)
    const changes = pendingChanges(resource, reading.have, this.#mode)
    if (changes.length === 0) return undefined
    this.#emit({ type: 'resource-started', place: this.#where(placed) })
    try {
      if (this.#mode === 'remove')
        return { placed, changes, steps: stepsOf(resource, this.#mode, reading.have, undefined) }
      const prepared = await resource.prepare?.(this.#access(placed))
      const settled = resource.settle?.(reading.have, prepared) ?? changes
      return { placed, changes: settled, steps: stepsOf(resource, this.#mode, reading.have, prepared) }
    } catch (error) {
      throw this.#place(error, placed)
    }
  }

  async #applyStepwise({ placed, changes, steps }: Pending): Promise<void> {
    const started = performance.now()
    const { resource } = placed
    const act = async () => {
      for (const step of steps) {
        if (this.#signal?.aborted) throw interrupted()
        this.#begun.add(resource)
        await this.#act(step, placed)
      }
    }
    try {
      if (resource.guard === undefined) await act()
      else {
        const { guardSeconds = defaultGuardSeconds } = this.#options
        const reconnect = (port = this.#connection.host.port) => this.#options.reconnect(port)
        const progress = (message: string) => this.#progress(placed, message)
        const options = { name: resourceName(resource), seconds: guardSeconds, reconnect, progress }
        const proven = await underGuard(this.#connection, resource.guard, options, act)
        this.#connection.close()
        this.#connection = proven
      }
    } catch (error) {
      // What a guard watches over the host takes back by itself.
      if (resource.guard !== undefined) this.#begun.delete(resource)
      throw this.#place(error, placed)
    }
    this.#changed(placed, changes, performance.now() - started)
  }

  async #act(step: Step, placed: Placed): Promise<void> {
    if (step.kind === 'script') await this.#runScripts([step], () => placed)
    else await act(step, this.#access(placed))
  }

  async #applySegment(pending: readonly Pending[]): Promise<void> {
    const entries = pending.flatMap((item) => item.steps.map((step, index) => ({ item, step, index })))
    let started = performance.now()
    await this.#runScripts(
      entries.map(({ step }) => step),
      (index) => entries[index]?.item.placed,
      {
        onStart: (index) => {
          const entry = entries[index]
          if (entry?.index !== 0) return
          started = performance.now()
          this.#begun.add(entry.item.placed.resource)
          this.#emit({ type: 'resource-started', place: this.#where(entry.item.placed) })
        },
        onEnd: (index, succeeded) => {
          const entry = entries[index]
          if (entry === undefined || !succeeded || entry.index < entry.item.steps.length - 1) return
          this.#changed(entry.item.placed, entry.item.changes, performance.now() - started)
          this.#done.add(entry.item.placed.resource)
        },
      },
    )
    if (this.#signal?.aborted) throw interrupted()
  }

  async #runScripts(
    steps: readonly Step[],
    owner: (index: number) => Placed | undefined,
    hooks: Omit<ScriptsOptions, 'signal'> = {},
  ): Promise<void> {
    const failure = await runScripts(this.#connection, steps, { ...hooks, signal: this.#signal })
    if (failure === undefined) return
    const placed = owner(failure.index)
    throw placed === undefined ? failure.error : this.#place(failure.error, placed)
  }

  #changed(placed: Placed, changes: Change[], durationMs: number): void {
    this.#begun.delete(placed.resource)
    if (placed.resource.waits) {
      this.#progress(placed, `after ${(durationMs / 1000).toFixed(1)} s`)
      return
    }
    const planned = { ...this.#where(placed), changes, after: [] }
    this.changed.push(planned)
    this.#emit({ type: 'resource-changed', planned, durationMs })
    for (const subject of placed.resource.touches(changes)) {
      for (const { resource } of this.#all) {
        const affected =
          resource !== placed.resource && resource.reads.some((read) => concerns(subject, read))
        if (affected && !this.#done.has(resource)) this.#stale.add(resource)
      }
    }
  }

  /**
   * Reads the first of these anew, and with it the others that are stale too. What the controller reads by a protocol
   * waits for its own turn: the service may have to be waited for first.
   */
  async #readAgain(candidates: readonly Resource[]): Promise<void> {
    const byHost = (resource: Resource) => 'script' in resource.probe
    const [first] = candidates
    const sameWay = candidates.filter((resource) => first !== undefined && byHost(resource) === byHost(first))
    const due = sameWay.filter((resource) => this.#stale.has(resource))
    for (const [resource, reading] of await survey(due, this.#access())) {
      this.#readings.set(resource, reading)
      this.#stale.delete(resource)
    }
  }

  #access(placed?: Placed): ControllerAccess {
    return {
      connection: this.#connection,
      artifacts: this.#artifacts,
      signal: this.#signal,
      progress: (message) => {
        if (placed !== undefined) this.#progress(placed, message)
      },
    }
  }

  #progress(placed: Placed, message: string): void {
    this.#emit({ type: 'resource-progress', place: this.#where(placed), message })
  }

  #where({ play, role, resource }: Placed) {
    return { host: this.#connection.host.name, play, role, resource: resourceName(resource) }
  }

  #place(error: unknown, placed: Placed): unknown {
    return errorAt(this.#connection.host.name, placed, error)
  }
}
