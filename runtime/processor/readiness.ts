import type { Logger } from '../log.ts'
import type { ProcessorMetrics } from './metrics.ts'

/** What must be well for the processor to be ready. */
export type Part = 'kafka' | 'mongodb' | 'indexes' | 'dead letters' | 'processor'

/** Why the processor is not ready: for each part that is not well, one sentence. */
export class Readiness {
  readonly #reasons = new Map<Part, string>()
  readonly #log: Logger
  readonly #metrics: ProcessorMetrics

  constructor(log: Logger, metrics: ProcessorMetrics) {
    this.#log = log
    this.#metrics = metrics
    for (const part of ['kafka', 'mongodb', 'indexes'] as const) this.#reasons.set(part, 'not reached yet')
  }

  well(part: Part): void {
    if (this.#reasons.delete(part)) this.#log.info({ part }, `${part}: well`)
    this.#metrics.ready.set(this.#reasons.size === 0 ? 1 : 0)
  }

  unwell(part: Part, reason: string): void {
    if (this.#reasons.get(part) !== reason) this.#log.warn({ part, reason }, `${part}: ${reason}`)
    this.#reasons.set(part, reason)
    this.#metrics.ready.set(0)
  }

  get reasons(): Record<string, string> {
    return Object.fromEntries(this.#reasons)
  }
}
