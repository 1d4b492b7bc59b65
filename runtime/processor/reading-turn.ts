import { setImmediate as othersInTurn } from 'node:timers/promises'

/** After so many messages, whoever asks for /health is answered: about a millisecond. */
const messagesAtATime = 200

/**
 * Goes through batches one after the other, in slices between which the event loop turns. Two that took turns would
 * both be in memory half read, which costs the collector more than the reading.
 */
export class ReadingTurn {
  #last: Promise<unknown> = Promise.resolve()

  /** Calls `each` for all items in their order, once the batches before are read. */
  async forEach<Item>(items: readonly Item[], each: (item: Item, place: number) => void): Promise<void> {
    const former = this.#last
    const own = Promise.withResolvers<void>()
    this.#last = own.promise
    try {
      await former
      for (let place = 0; place < items.length; place += 1) {
        if (place % messagesAtATime === 0) await othersInTurn()
        each(items[place] as Item, place)
      }
    } finally {
      own.resolve()
    }
  }
}
