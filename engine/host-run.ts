import { runBatch } from './batch.ts'
import { SluiceError } from './errors.ts'
import type { Emit, Mode, PlannedChange } from './events.ts'
import { defaultGuardSeconds, underGuard } from './guard.ts'
import { likelyRemedy } from './likely-remedy.ts'
import { type Placed, pendingChanges, probeRefused } from './plan.ts'
import {
  type ArtifactSettings,
  type Change,
  type ControllerAccess,
  concerns,
  type Resource,
  resourceName,
  type Step,
} from './resource.ts'
import type { Script } from './shell.ts'
import { type Reading, survey } from './survey.ts'
import type { Connection } from './transport/connection.ts'

const stepTimeoutSeconds = 600

interface Pending {
  placed: Placed
  changes: Change[]
  steps: Step[]
}

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
      const segment = this.#segment(placed, next)
      if (segment.pending.length > 0) {
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
    await this.#verify(changedHere)
  }

  /** As many changes as can go in one round trip: plain shell, none of which alters what a later one reads. */
  #segment(placed: readonly Placed[], start: number): { pending: Pending[]; end: number } {
    const pending: Pending[] = []
    const touched: string[] = []
    const passed: Resource[] = []
    let end = start
    for (; end < placed.length; end++) {
      const candidate = placed[end]
      if (candidate === undefined) break
      const { resource } = candidate
      const reading = this.#readings.get(resource)
      const altered = resource.reads.some((read) => touched.some((subject) => concerns(subject, read)))
      if (this.#stale.has(resource) || altered || reading?.state !== 'read') break
      const changes = pendingChanges(resource, reading.have, this.#mode)
      if (changes.length > 0) {
        if (resource.prepare && this.#mode !== 'remove') break
        const steps = this.#steps(resource, reading.have, undefined)
        if (resource.guard || steps.some(({ kind }) => kind !== 'script')) break
        pending.push({ placed: candidate, changes, steps })
        touched.push(...resource.touches(changes))
      } else {
        passed.push(resource)
      }
    }
    if (pending.length > 0) for (const resource of passed) this.#done.add(resource)
    return { pending, end }
  }

  #steps(resource: Resource, have: unknown, prepared: unknown): Step[] {
    return this.#mode === 'remove' ? (resource.remove?.(have) ?? []) : resource.apply(have, prepared)
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
        return { placed, changes, steps: this.#steps(resource, reading.have, undefined) }
      const prepared = await resource.prepare?.(this.#access(placed))
      const settled = resource.settle?.(reading.have, prepared) ?? changes
      return { placed, changes: settled, steps: this.#steps(resource, reading.have, prepared) }
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
      throw this.#place(error, placed)
    }
    this.#changed(placed, changes, performance.now() - started)
  }

  async #act(step: Step, placed: Placed): Promise<void> {
    if (step.kind === 'controller') {
      await step.act(this.#access(placed))
    } else if (step.kind === 'upload') {
      const total = Math.max(1, step.sizeBytes)
      let shown = -1
      await this.#connection.upload(step.localPath, step.remotePath, (sent) => {
        const percent = Math.floor((sent / total) * 100)
        if (percent < shown + 5 && percent < 100) return
        shown = percent
        this.#progress(placed, `${step.summary}: ${percent} %`)
      })
    } else {
      await this.#runScripts([step], () => placed)
    }
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
    hooks: { onStart?(index: number): void; onEnd?(index: number, succeeded: boolean): void } = {},
  ): Promise<void> {
    const scripts = steps.filter((step) => step.kind === 'script')
    let failure: SluiceError | undefined
    let current = 0
    try {
      await runBatch(
        this.#connection,
        scripts.map(({ script }) => script),
        {
          stopOnFailure: true,
          timeoutSeconds: (index) => scripts[index]?.timeoutSeconds ?? stepTimeoutSeconds,
          signal: this.#signal,
          onStart: (index) => {
            current = index
            hooks.onStart?.(index)
          },
          onEnd: (index, outcome) => {
            hooks.onEnd?.(index, outcome.exitCode === 0)
            const script = scripts[index]?.script
            if (outcome.exitCode !== 0 && script !== undefined) failure = stepFailed(script, outcome)
          },
        },
      )
    } catch (error) {
      failure = error instanceof SluiceError ? error : undefined
      if (failure === undefined) throw error
    }
    const placed = owner(current)
    if (failure !== undefined) throw placed === undefined ? failure : this.#place(failure, placed)
  }

  #changed(placed: Placed, changes: Change[], durationMs: number): void {
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

  /** What was changed must now be as declared; anything else is an error, never a silent "changed". */
  async #verify(placed: readonly Placed[]): Promise<void> {
    if (placed.length === 0) return
    const readings = await survey(
      placed.map(({ resource }) => resource),
      this.#access(),
    )
    for (const item of placed) {
      const reading = readings.get(item.resource)
      if (reading?.state !== 'read') throw this.#place(probeRefused(item.resource, reading), item)
      const left = pendingChanges(item.resource, reading.have, this.#mode)
      if (left.length > 0) throw this.#place(notConverged(left), item)
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

  #place(error: unknown, { role, resource }: Placed): unknown {
    if (!(error instanceof SluiceError)) return error
    // A step's own error has been placed where it ran.
    if (error.at?.startsWith(`${this.#connection.host.name} > `)) return error
    const name = resourceName(resource)
    const inside = error.at?.startsWith(name) ? error : error.within(name)
    return inside.within(`${this.#connection.host.name} > ${role}`)
  }
}

function stepFailed(
  script: Script,
  { exitCode, stdout, stderr }: { exitCode: number; stdout: string; stderr: string },
) {
  const said = (stderr.trim() === '' ? stdout : stderr).trim().split('\n').slice(-20).join('\n')
  return new SluiceError('STEP_FAILED', {
    subject: `${abridged(script.shown)} ended with exit code ${exitCode}`,
    why: said === '' ? 'it said nothing' : said,
    advice: `${likelyRemedy(said) ?? 'correct what it names'}, then run again: what was applied before is kept`,
  })
}

/** Enough of a script to know which one it was. */
function abridged(shown: string): string {
  const [first = '', ...rest] = shown.split('\n').filter((line) => line.trim() !== '')
  return rest.length === 0 ? first : `${first.trim()} …`
}

function notConverged(left: readonly Change[]): SluiceError {
  const sides = left.map(
    ({ property, have, want }) => `${property} should be ${want ?? 'absent'}, is ${have ?? 'absent'}`,
  )
  return new SluiceError('NOT_CONVERGED', {
    subject: `it was changed and is still not as declared: ${sides.join('; ')}`,
    advice: 'something else on the host may set it back, or the value is not one that the host keeps',
  })
}

function interrupted(): SluiceError {
  return new SluiceError('INTERRUPTED', {
    subject: 'the run was stopped',
    advice: 'run again: what was applied is kept, and the run goes on from there',
  })
}
