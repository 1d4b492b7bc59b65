import type { GpuSample } from '../messages.ts'

/** A clock of a host may run ahead by this much before its samples stop to count as the newest. */
const clockSkewMs = 60_000

export type ShownSample = Omit<GpuSample, 'event_id'>

/** Keeps the newest sample that was seen, by its own time. */
export class GpuBoard {
  #newest: ShownSample | undefined

  note(sample: ShownSample, now: number = Date.now()): void {
    const time = sample.ts.getTime()
    if (time > now + clockSkewMs) return
    if (this.#newest === undefined || time >= this.#newest.ts.getTime()) this.#newest = sample
  }

  get newest(): ShownSample | undefined {
    return this.#newest
  }
}
