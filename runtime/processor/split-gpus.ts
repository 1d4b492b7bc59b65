import type { Logger } from '../log.ts'
import type { ProcessorMetrics } from './metrics.ts'

/** More GPUs than this, and where their usage came from is learnt anew. */
const gpusKept = 20_000

/**
 * Watches that the usage of each GPU comes from one partition of one topic. The rate of tokens, and with it what a token
 * costs, is that of a partition: usage of one GPU in several counts as if each of them had the GPU for itself.
 */
export class SplitGpus {
  readonly #places = new Map<string, string>()
  readonly #said = new Set<string>()
  readonly #metrics: ProcessorMetrics
  readonly #log: Logger

  constructor(metrics: ProcessorMetrics, log: Logger) {
    this.#metrics = metrics
    this.#log = log
  }

  /** Takes note of usage of a GPU at a place, `topic:partition`. */
  note(gpu: string, place: string): void {
    const before = this.#places.get(gpu)
    if (before === place) return
    if (before === undefined) this.#keep(gpu, place)
    else this.#say(gpu, [before, place])
  }

  #keep(gpu: string, place: string): void {
    if (this.#places.size === gpusKept) this.#places.clear()
    this.#places.set(gpu, place)
  }

  #say(gpu: string, places: string[]): void {
    if (this.#said.has(gpu)) return
    if (this.#said.size === gpusKept) this.#said.clear()
    this.#said.add(gpu)
    this.#metrics.splitGpus.inc()
    this.#log.warn(
      { gpu, places },
      'usage of one GPU comes from several partitions: its tokens cost too much, the key of its messages should be its host',
    )
  }
}
