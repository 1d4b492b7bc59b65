/** Begins the work on a batch, which never rejects; `undefined` where it is not to be done after all. */
type Begin = () => Promise<void> | undefined

/** The batches that are being written: so many at once, and those of one partition one after the other. */
export class BatchesInHand {
  readonly #most: number
  readonly #works = new Map<string, Promise<void>>()

  constructor(most: number) {
    this.#most = most
  }

  /** Waits until there is room and nothing of this partition is in hand, and begins. Does not wait for the end. */
  async take(partition: string, begin: Begin): Promise<void> {
    while (true) {
      const former = this.#works.get(partition)
      if (former !== undefined) await former
      else if (this.#works.size >= this.#most) await Promise.race(this.#works.values())
      else break
    }
    // From here to the note of it nothing may be awaited: somebody else would find the same room.
    const work = begin()?.finally(() => this.#works.delete(partition))
    if (work !== undefined) this.#works.set(partition, work)
  }

  /** Waits until nothing is in hand. */
  async ended(): Promise<void> {
    while (this.#works.size > 0) await Promise.all(this.#works.values())
  }
}
