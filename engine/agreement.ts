import type { Host } from './inventory.ts'
import type { Plan } from './plan.ts'
import { differences, keyOf, planOutdated, type SavedPlan } from './saved-plan.ts'

/** Holds all hosts of a run to a saved plan: nothing is changed on any before all are as they were. */
export class Agreement {
  readonly #plan: SavedPlan
  readonly #verdicts: Map<string, PromiseWithResolvers<boolean>>

  constructor(plan: SavedPlan, hosts: readonly Host[]) {
    this.#plan = plan
    this.#verdicts = new Map(hosts.map(({ name }) => [name, Promise.withResolvers<boolean>()]))
  }

  /**
   * Compares what would be done to a host with what was planned, and waits for the others.
   *
   * @returns the reason, when nothing may be changed because of others
   * @throws SluiceError PLAN_OUTDATED
   */
  async reach(host: string, { planned, undecided }: Plan): Promise<string | undefined> {
    const found = differences(this.#plan, host, [...planned, ...undecided])
    this.#verdicts.get(host)?.resolve(found.length === 0)
    if (found.length > 0) throw planOutdated(host, found)
    const verdicts = await Promise.all(
      [...this.#verdicts].map(async ([name, { promise }]) => ({ name, fits: await promise })),
    )
    const others = verdicts.filter(({ fits }) => !fits).map(({ name }) => name)
    return others.length === 0
      ? undefined
      : `not tried: the plan is for all of its hosts, and does not hold on ${others.join(', ')}`
  }

  /** A host has come to its end; one that did not get to be compared does not fit. */
  ended(host: string): void {
    this.#verdicts.get(host)?.resolve(false)
  }

  /** What may be changed on a host. */
  permitted(host: string): ReadonlySet<string> {
    return new Set((this.#plan.hosts[host] ?? []).map(keyOf))
  }
}
