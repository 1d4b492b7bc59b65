import type { Emit, Phase, Place, PlannedChange } from './events.ts'
import { errorAt, type Placed } from './plan.ts'
import { resourceName } from './resource.ts'

/** What is said of one host while it is worked on, each with its place. */
export class HostVoice {
  readonly #host: string
  readonly #emit: Emit

  constructor(host: string, emit: Emit) {
    this.#host = host
    this.#emit = emit
  }

  where({ play, role, resource }: Placed): Place {
    return { host: this.#host, play, role, resource: resourceName(resource) }
  }

  started(placed: Placed): void {
    this.#emit({ type: 'resource-started', place: this.where(placed) })
  }

  progress(placed: Placed, message: string): void {
    this.#emit({ type: 'resource-progress', place: this.where(placed), message })
  }

  changed(planned: PlannedChange, durationMs: number): void {
    this.#emit({ type: 'resource-changed', planned, durationMs })
  }

  waited(placed: Placed, durationMs: number): void {
    this.progress(placed, `after ${(durationMs / 1000).toFixed(1)} s`)
    this.#emit({ type: 'resource-waited', place: this.where(placed), durationMs })
  }

  /** Says how long a part took that began at `since`. */
  spent(phase: Phase, since: number): void {
    this.#emit({ type: 'phase-ended', host: this.#host, phase, durationMs: performance.now() - since })
  }

  /** The error with where it happened. */
  errorAt(placed: Placed, error: unknown): unknown {
    return errorAt(this.#host, placed, error)
  }
}
