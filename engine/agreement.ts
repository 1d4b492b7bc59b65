import { Consensus } from './consensus.ts'
import type { Host } from './inventory.ts'
import type { Plan } from './plan.ts'
import { differences, keyOf, planOutdated, type SavedPlan } from './saved-plan.ts'

/** Holds all hosts of a run to a saved plan: nothing is changed on any before all are as they were. */
export class Agreement {
  readonly #plan: SavedPlan
  readonly #fits: Consensus

  constructor(plan: SavedPlan, hosts: readonly Host[]) {
    this.#plan = plan
    this.#fits = new Consensus(hosts)
  }

  /**
   * Compares what would be done to a host with what was planned, and waits for the others.
   *
   * @returns the reason, when nothing may be changed because of others
   * @throws SluiceError PLAN_OUTDATED
   */
  async reach(host: string, { planned, undecided }: Plan): Promise<string | undefined> {
    const found = differences(this.#plan, host, [...planned, ...undecided])
    this.#fits.cast(host, found.length === 0)
    if (found.length > 0) throw planOutdated(host, found)
    const others = await this.#fits.opponents()
    return others.length === 0
      ? undefined
      : `not tried: the plan is for all of its hosts, and does not hold on ${others.join(', ')}`
  }

  /** A host has come to its end; one that did not get to be compared does not fit. */
  ended(host: string): void {
    this.#fits.cast(host, false)
  }

  /** What may be changed on a host. */
  permitted(host: string): ReadonlySet<string> {
    return new Set((this.#plan.hosts[host] ?? []).map(keyOf))
  }
}
