import type { Host } from './inventory.ts'

/** A vote of all hosts of a run, of which each waits for that of the others before anything is changed on it. */
export class Consensus {
  readonly #votes: Map<string, PromiseWithResolvers<boolean>>

  constructor(hosts: readonly Host[]) {
    this.#votes = new Map(hosts.map(({ name }) => [name, Promise.withResolvers<boolean>()]))
  }

  /** The first vote of a host counts. */
  cast(host: string, inFavour: boolean): void {
    this.#votes.get(host)?.resolve(inFavour)
  }

  /** Waits until all have voted; the hosts that are against it. */
  async opponents(): Promise<string[]> {
    const votes = await Promise.all(
      [...this.#votes].map(async ([name, { promise }]) => ({ name, inFavour: await promise })),
    )
    return votes.filter(({ inFavour }) => !inFavour).map(({ name }) => name)
  }
}
