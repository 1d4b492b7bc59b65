import { stoppedReason } from './events.ts'
import type { Host, Inventory } from './inventory.ts'
import type { Play } from './playbook.ts'
import { hostsOfPlay } from './select.ts'
import { hostsOf, type Share } from './share.ts'

/** What became of a play on a host. */
type End = 'well' | 'failed' | 'skipped' | 'stopped'

export interface TurnsOptions {
  inventory: Inventory
  hosts: readonly Host[]
  plays: readonly Play[]
  /** A removal goes backwards, and what needed a host's services does not need them to be removed. */
  backwards: boolean
  /** How many hosts do a play at once, whatever the plays themselves say. */
  serial?: Share | undefined
  /** How many hosts may fail before no other one is begun. */
  maxFail?: Share | undefined
  signal: AbortSignal | undefined
}

interface Member {
  host: Host
  /** Hosts of a later batch begin a play when those of the ones before have ended it. */
  batch: number
  ended: PromiseWithResolvers<End>
}

/** Which host may begin which play, and when. */
export class Turns {
  readonly #options: TurnsOptions
  readonly #members: Map<Play, Member[]>
  readonly #failed = new Set<Host>()
  readonly #begun = new Set<Host>()

  constructor(options: TurnsOptions) {
    this.#options = options
    this.#members = new Map(options.plays.map((play) => [play, membersOf(play, options)]))
  }

  /** The plays of a host, as the playbook has them. */
  playsOf(host: Host): Play[] {
    return this.#options.plays.filter((play) => this.#member(play, host) !== undefined)
  }

  /** The plays of a host in the order in which they are worked on. */
  orderOf(host: Host): Play[] {
    return this.#options.backwards ? this.playsOf(host).reverse() : this.playsOf(host)
  }

  /**
   * Does what comes before a host's plays.
   *
   * @returns the reason, when the host is not to be begun at all any more
   */
  async begin(host: Host, work: () => Promise<void>): Promise<string | undefined> {
    const refusal = this.#refusal()
    if (refusal === undefined) await this.#watched(host, work)
    return refusal
  }

  /** Why no other host is to be begun. */
  #refusal(): string | undefined {
    const { maxFail, hosts, signal } = this.#options
    if (signal?.aborted) return stoppedReason
    const most = maxFail === undefined ? Number.POSITIVE_INFINITY : hostsOf(maxFail, hosts.length)
    if (this.#failed.size <= most) return undefined
    const names = [...this.#failed].map(({ name }) => name).join(', ')
    return `not begun: more than ${most} of the hosts failed (${names})`
  }

  /**
   * Waits until the host may begin the play.
   *
   * @param onWait called with what is waited for, when there is anything
   * @returns the reason, when it may not begin it at all
   */
  async come(host: Host, play: Play, onWait: (needs: string[]) => void): Promise<string | undefined> {
    return (await this.#needs(play, onWait)) ?? (await this.#batches(host, play, onWait))
  }

  /**
   * Does the play on a host whose turn has come.
   *
   * @returns the reason, when by now it is not to be begun any more
   */
  async take(host: Host, play: Play, work: () => Promise<void>): Promise<string | undefined> {
    const refusal = this.#begun.has(host) && !this.#isSerial(play) ? undefined : this.#refusal()
    if (refusal !== undefined) return refusal
    this.#begun.add(host)
    await this.#watched(host, work)
    this.#member(play, host)?.ended.resolve('well')
    return undefined
  }

  /** A host has come to its end: those of its plays that have not ended well did not. */
  ended(host: Host, end: Exclude<End, 'well'>): void {
    if (end === 'failed') this.#failed.add(host)
    for (const play of this.#options.plays) this.#member(play, host)?.ended.resolve(end)
  }

  async #needs(play: Play, onWait: (needs: string[]) => void): Promise<string | undefined> {
    const { backwards, signal, plays } = this.#options
    if (backwards || play.needs.length === 0) return undefined
    onWait(play.needs)
    for (const need of play.needs) {
      const members = plays
        .filter(({ name }) => name === need)
        .flatMap((each) => this.#members.get(each) ?? [])
      const { bad, stopped } = await endsOf(members)
      if (bad[0] !== undefined) return `${play.name} needs ${need}, which did not end well on ${bad[0].name}`
      if (signal?.aborted || stopped) return stoppedReason
    }
    return undefined
  }

  async #batches(host: Host, play: Play, onWait: (needs: string[]) => void): Promise<string | undefined> {
    const { signal, maxFail, hosts } = this.#options
    const own = this.#member(play, host)
    if (own === undefined || own.batch === 0) return undefined
    const before = (this.#members.get(play) ?? []).filter(({ batch }) => batch < own.batch)
    onWait(before.filter(({ batch }) => batch === own.batch - 1).map((member) => member.host.name))
    const { bad, stopped } = await endsOf(before)
    const most = maxFail === undefined ? 0 : hostsOf(maxFail, hosts.length)
    if (bad.length > most) {
      const names = bad.map(({ name }) => name).join(', ')
      return `${play.name} goes on batch by batch, and did not end well on ${names}`
    }
    return signal?.aborted || stopped ? stoppedReason : undefined
  }

  async #watched(host: Host, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      // Before anybody else's turn comes.
      if (!this.#options.signal?.aborted) this.#failed.add(host)
      throw error
    }
  }

  #isSerial(play: Play): boolean {
    return (this.#members.get(play) ?? []).some(({ batch }) => batch > 0)
  }

  #member(play: Play, host: Host): Member | undefined {
    return this.#members.get(play)?.find((member) => member.host === host)
  }
}

function membersOf(play: Play, { inventory, hosts, serial = play.serial }: TurnsOptions): Member[] {
  const members = hostsOfPlay(inventory, play.hosts).filter((host) => hosts.includes(host))
  const size = serial === undefined ? members.length : Math.max(1, hostsOf(serial, members.length))
  return members.map((host, index) => ({
    host,
    batch: Math.floor(index / size),
    ended: Promise.withResolvers<End>(),
  }))
}

async function endsOf(members: readonly Member[]): Promise<{ bad: Host[]; stopped: boolean }> {
  const ends = await Promise.all(members.map(({ ended }) => ended.promise))
  return {
    bad: members
      .filter((_, index) => ends[index] === 'failed' || ends[index] === 'skipped')
      .map(({ host }) => host),
    stopped: ends.includes('stopped'),
  }
}
