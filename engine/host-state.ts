import type { Mode, PlannedChange } from './events.ts'
import { type Placed, pendingChanges, refusalOf } from './plan.ts'
import { type Change, type ControllerAccess, isStaleBy, type Resource, resourceName } from './resource.ts'
import { type Reading, survey } from './survey.ts'

/** What is known of a host's resources in a run: what was read, what of that holds no more, and what was done. */
export class HostState {
  readonly changed: PlannedChange[] = []
  readonly mode: Mode
  readonly stale = new Set<Resource>()
  readings: Map<Resource, Reading>
  readonly #all: readonly Placed[]
  readonly #done = new Set<Resource>()
  readonly #begun = new Set<Resource>()

  constructor(all: readonly Placed[], readings: Map<Resource, Reading>, mode: Mode) {
    this.#all = all
    this.readings = readings
    this.mode = mode
  }

  /** Resources that the run has not come to. */
  get notTried(): string[] {
    return this.#all
      .filter(({ resource }) => !this.#done.has(resource))
      .map(({ resource }) => resourceName(resource))
  }

  /** Resources whose change began and did not end. */
  get begun(): string[] {
    return [...this.#begun].map(resourceName)
  }

  get ok(): number {
    return this.#done.size - this.changed.length
  }

  /** Whether a change of the host itself is due, by what was read. */
  differs(resource: Resource): boolean {
    const reading = this.readings.get(resource)
    if (reading?.state !== 'read' || resource.waits) return false
    if (refusalOf(resource, reading.have, this.mode) !== undefined) return false
    return pendingChanges(resource, reading.have, this.mode).length > 0
  }

  begin(resource: Resource): void {
    this.#begun.add(resource)
  }

  /** What was begun or done and is not there any more: a guard takes back what it watches over. */
  takenBack({ resource }: Placed): void {
    this.#begun.delete(resource)
    this.#done.delete(resource)
    const name = resourceName(resource)
    const at = this.changed.findLastIndex((planned) => planned.resource === name)
    if (at >= 0) this.changed.splice(at, 1)
  }

  done(resource: Resource): void {
    this.#begun.delete(resource)
    this.#done.add(resource)
  }

  /** A change was made; what else it may have altered is to be read again. */
  change({ resource }: Placed, planned: PlannedChange | undefined, changes: Change[]): void {
    this.#begun.delete(resource)
    if (planned === undefined) return
    this.changed.push(planned)
    for (const subject of resource.touches(changes)) {
      for (const { resource: other } of this.#all) {
        const affected = other !== resource && isStaleBy(other, subject)
        if (affected && !this.#done.has(other)) this.stale.add(other)
      }
    }
  }

  /** Somebody else was at the host: what has not been come to is to be read again. */
  forget(): void {
    for (const { resource } of this.#all) if (!this.#done.has(resource)) this.stale.add(resource)
  }

  /**
   * Reads the first of these anew, and with it the others that are stale too. What the controller reads by a protocol
   * waits for its own turn: the service may have to be waited for first.
   *
   * @returns whether there was anything to read
   */
  async readAgain(candidates: readonly Resource[], access: ControllerAccess): Promise<boolean> {
    const byHost = (resource: Resource) => 'script' in resource.probe
    const [first] = candidates
    // What could not be told while an earlier change was pending may well be told now.
    if (first !== undefined && this.readings.get(first)?.state !== 'read') this.stale.add(first)
    if (first === undefined || !this.stale.has(first)) return false
    const due = candidates.filter(
      (resource) => this.stale.has(resource) && byHost(resource) === byHost(first),
    )
    for (const [resource, reading] of await survey(due, access)) {
      this.readings.set(resource, reading)
      this.stale.delete(resource)
    }
    return true
  }
}
