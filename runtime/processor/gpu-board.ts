import type { GpuSample } from '../messages.ts'
import { gpuKey } from './gpu-key.ts'

/** A clock of a host may run ahead by this much before its samples stop to count as the newest. */
const clockSkewMs = 60_000

/** More GPUs than this, and the one that was silent for the longest is forgotten. */
const gpusKept = 10_000

export type ShownSample = Omit<GpuSample, 'event_id'>

/** Keeps the newest sample that was seen of each GPU, by the sample's own time. */
export class GpuBoard {
  readonly #gpus = new Map<string, ShownSample>()
  #newest: ShownSample | undefined

  note(sample: ShownSample, now: number = Date.now()): void {
    const time = sample.ts.getTime()
    if (time > now + clockSkewMs) return
    const key = gpuKey(sample.host, sample.gpu_index)
    const before = this.#gpus.get(key)
    if (before !== undefined && before.ts.getTime() > time) return
    this.#gpus.set(key, sample)
    if (this.#newest === undefined || time >= this.#newest.ts.getTime()) this.#newest = sample
    if (this.#gpus.size > gpusKept) this.#forgetOldest()
  }

  get newest(): ShownSample | undefined {
    return this.#newest
  }

  /** The newest sample of every GPU, in the order of host and index. */
  get all(): ShownSample[] {
    return [...this.#gpus.values()].sort(
      (a, b) => (a.host < b.host ? -1 : a.host > b.host ? 1 : 0) || a.gpu_index - b.gpu_index,
    )
  }

  #forgetOldest(): void {
    let oldest: { key: string; time: number } | undefined
    for (const [key, { ts }] of this.#gpus) {
      if (oldest === undefined || ts.getTime() < oldest.time) oldest = { key, time: ts.getTime() }
    }
    if (oldest !== undefined) this.#gpus.delete(oldest.key)
  }
}
