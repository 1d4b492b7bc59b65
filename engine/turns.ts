import { stoppedReason } from './events.ts'
import type { Host, Inventory } from './inventory.ts'
import type { Play } from './playbook.ts'
import { hostsOfPlay } from './select.ts'

/** What became of a play on a host. */
type End = 'well' | 'badly' | 'stopped'

export interface TurnsOptions {
  inventory: Inventory
  hosts: readonly Host[]
  plays: readonly Play[]
  /** A removal goes backwards, and what needed a host's services does not need them to be removed. */
  backwards: boolean
  signal: AbortSignal | undefined
}

/** Which host may begin which play, and when. */
export class Turns {
  readonly #options: TurnsOptions
  readonly #ends = new Map<Play, Map<Host, PromiseWithResolvers<End>>>()

  constructor(options: TurnsOptions) {
    this.#options = options
    for (const play of options.plays) {
      const members = hostsOfPlay(options.inventory, play.hosts).filter((host) =>
        options.hosts.includes(host),
      )
      this.#ends.set(play, new Map(members.map((host) => [host, Promise.withResolvers<End>()])))
    }
  }

  /** The plays of a host, as the playbook has them. */
  playsOf(host: Host): Play[] {
    return this.#options.plays.filter((play) => this.#ends.get(play)?.has(host))
  }

  /** The plays of a host in the order in which they are worked on. */
  orderOf(host: Host): Play[] {
    return this.#options.backwards ? this.playsOf(host).reverse() : this.playsOf(host)
  }

  /**
   * Waits until the host may begin the play.
   *
   * @param onWait called with what is waited for, when there is anything
   * @returns the reason, when it may not begin it at all
   */
  async come(play: Play, onWait: (needs: string[]) => void): Promise<string | undefined> {
    const { backwards, signal } = this.#options
    if (backwards || play.needs.length === 0) return undefined
    onWait(play.needs)
    for (const need of play.needs) {
      const ends = await this.#endsOf(need)
      const bad = ends.find(({ end }) => end === 'badly')
      if (bad !== undefined) return `${play.name} needs ${need}, which did not end well on ${bad.host.name}`
      if (signal?.aborted || ends.some(({ end }) => end === 'stopped')) return stoppedReason
    }
    return undefined
  }

  /** A play has ended well on a host. */
  done(host: Host, play: Play): void {
    this.#ends.get(play)?.get(host)?.resolve('well')
  }

  /** A host has come to its end: those of its plays that have not ended did not end well. */
  ended(host: Host, end: Exclude<End, 'well'>): void {
    for (const ends of this.#ends.values()) ends.get(host)?.resolve(end)
  }

  #endsOf(name: string): Promise<{ host: Host; end: End }[]> {
    const plays = this.#options.plays.filter((play) => play.name === name)
    const ends = plays.flatMap((play) => [...(this.#ends.get(play) ?? [])])
    return Promise.all(ends.map(async ([host, { promise }]) => ({ host, end: await promise })))
  }
}
