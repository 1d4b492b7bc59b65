import { setTimeout as sleep } from 'node:timers/promises'
import type { Db } from 'mongodb'
import { type CollectionName, collections } from './documents.ts'

/** When a document of a batch was first seen in the database. */
export interface Sighting {
  marker: string
  collection: CollectionName
  /** Milliseconds since 1970 by the producing host's clock, and by the controller's. */
  eventAt: number
  seenAt: number
}

const pauseMs = 20

/**
 * Looks again and again which documents of some batches are in the database, from before they are sent: what it sees
 * is what any reader would.
 */
export class ArrivalWatch {
  /** By collection and `_id`. */
  readonly #sightings = new Map<string, Sighting>()
  readonly #database: Db
  readonly #markers: string[]
  readonly #since: Date
  readonly #stop = new AbortController()
  readonly #ended: Promise<void>
  #failure: Error | undefined
  /** The longest time between two looks while something was still to come. */
  resolutionMs = 0

  constructor(database: Db, markers: readonly string[], since: Date) {
    this.#database = database
    this.#markers = [...markers]
    this.#since = since
    this.#ended = this.#watch()
  }

  sightings(marker: string): Sighting[] {
    return [...this.#sightings.values()].filter((sighting) => sighting.marker === marker)
  }

  count(marker: string, collection: CollectionName): number {
    return this.sightings(marker).filter((sighting) => sighting.collection === collection).length
  }

  /**
   * Waits until each collection has at least `size` documents of a batch.
   *
   * @returns whether that came true in time
   * @throws whatever kept the database from being read
   */
  async until(marker: string, size: number, deadlineMs: number, signal: AbortSignal): Promise<boolean> {
    const endsAt = performance.now() + deadlineMs
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure
      if (collections.every((collection) => this.count(marker, collection) >= size)) return true
      if (performance.now() > endsAt || signal.aborted) return false
      await sleep(pauseMs)
    }
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#ended
  }

  async #watch(): Promise<void> {
    let lookedAt = Date.now()
    try {
      while (!this.#stop.signal.aborted) {
        const news = (await Promise.all(collections.map((name) => this.#look(name)))).some(Boolean)
        const now = Date.now()
        if (news) this.resolutionMs = Math.max(this.resolutionMs, now - lookedAt)
        lookedAt = now
        await sleep(pauseMs)
      }
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error))
    }
  }

  async #look(collection: CollectionName): Promise<boolean> {
    const found = await this.#database
      .collection(collection)
      .find({ ts: { $gte: this.#since }, run: { $in: this.#markers } }, { projection: { ts: 1, run: 1 } })
      .toArray()
    const seenAt = Date.now()
    let news = false
    for (const { _id, ts, run } of found) {
      const key = `${collection} ${_id}`
      if (this.#sightings.has(key) || !(ts instanceof Date)) continue
      this.#sightings.set(key, { marker: String(run), collection, eventAt: ts.getTime(), seenAt })
      news = true
    }
    return news
  }
}
