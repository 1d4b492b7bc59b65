import type { Phase, Place, Profile, RunEvent } from './events.ts'

/** How many resources are worth naming. */
const longest = 50

/** Adds up where a run's time goes, by what it says. */
export class Profiler {
  readonly #hosts = new Map<string, Record<Phase | 'apply', number>>()
  readonly #resources = new Map<string, Place & { durationMs: number }>()

  accept(event: RunEvent): void {
    if (event.type === 'phase-ended') this.#add(event.host, event.phase, event.durationMs)
    else if (event.type === 'resource-changed') this.#spend(event.planned, event.durationMs)
    else if (event.type === 'resource-waited') this.#spend(event.place, event.durationMs)
  }

  /** Hosts as they came, roles and resources with the longest first. */
  result(): Profile {
    const resources = [...this.#resources.values()]
    const roles = Map.groupBy(resources, ({ role }) => role)
    return {
      hosts: [...this.#hosts].map(([host, phases]) => ({ host, ...phases })),
      roles: [...roles]
        .map(([role, spent]) => ({
          role,
          resources: spent.length,
          hosts: new Set(spent.map(({ host }) => host)).size,
          durationMs: spent.reduce((sum, { durationMs }) => sum + durationMs, 0),
        }))
        .sort(byDuration),
      resources: resources.sort(byDuration).slice(0, longest),
    }
  }

  #spend({ host, play, role, resource }: Place, durationMs: number): void {
    const key = JSON.stringify([host, play, role, resource])
    const before = this.#resources.get(key)?.durationMs ?? 0
    this.#resources.set(key, { host, play, role, resource, durationMs: before + durationMs })
    this.#add(host, 'apply', durationMs)
  }

  #add(host: string, phase: Phase | 'apply', durationMs: number): void {
    const phases = this.#hosts.get(host) ?? { connect: 0, read: 0, apply: 0, verify: 0 }
    phases[phase] += durationMs
    this.#hosts.set(host, phases)
  }
}

const byDuration = (one: { durationMs: number }, other: { durationMs: number }) =>
  other.durationMs - one.durationMs
