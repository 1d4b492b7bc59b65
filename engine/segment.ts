import { isRemoval, type Mode } from './events.ts'
import { type Placed, pendingChanges, refusalOf } from './plan.ts'
import { type Change, isStaleBy, type Resource, type Step } from './resource.ts'
import type { Reading } from './survey.ts'

/** A resource that differs, and how it is brought to what it should be. */
export interface Pending {
  placed: Placed
  changes: Change[]
  steps: Step[]
}

/** What is known of a host's resources, and what of that can no longer be relied on. */
export interface Knowledge {
  readings: ReadonlyMap<Resource, Reading>
  stale: ReadonlySet<Resource>
  mode: Mode
}

export interface Segment {
  pending: Pending[]
  /** Resources among them that are as declared. */
  passed: Resource[]
  /** The index of the first that is not part of it. */
  end: number
}

/** As many changes as can go in one round trip: plain shell, none of which alters what a later one reads. */
export function nextSegment(
  placed: readonly Placed[],
  start: number,
  { readings, stale, mode }: Knowledge,
): Segment {
  const segment: Segment = { pending: [], passed: [], end: start }
  const touched: string[] = []
  for (const candidate of placed.slice(start)) {
    const { resource } = candidate
    const reading = readings.get(resource)
    const altered = touched.some((subject) => isStaleBy(resource, subject))
    if (stale.has(resource) || altered || reading?.state !== 'read') break
    // What is refused comes alone, so that it is said where it happened.
    if (refusalOf(resource, reading.have, mode) !== undefined) break
    const changes = pendingChanges(resource, reading.have, mode)
    if (changes.length === 0) {
      segment.passed.push(resource)
    } else {
      if (resource.prepare && !isRemoval(mode)) break
      const steps = stepsOf(resource, mode, reading.have, undefined)
      if (resource.guard || steps.some(({ kind }) => kind !== 'script')) break
      segment.pending.push({ placed: candidate, changes, steps })
      touched.push(...resource.touches(changes))
    }
    segment.end++
  }
  return segment
}

/**
 * What a guard covers whose change does nothing yet: the resource and those after it, up to the last that reads what
 * it, or another of them, touches.
 *
 * @returns the index of the first that is not part of it
 */
export function spanEnd(placed: readonly Placed[], start: number, changes: Change[]): number {
  const first = placed[start]?.resource
  const touched = first?.touches(changes) ?? []
  let end = start + 1
  for (const [index, { resource }] of placed.entries()) {
    if (index <= start || !touched.some((subject) => isStaleBy(resource, subject))) continue
    end = index + 1
  }
  return end
}

/** What brings a resource to what it should be, or takes it away. */
export function stepsOf(resource: Resource, mode: Mode, have: unknown, prepared: unknown): Step[] {
  return isRemoval(mode) ? (resource.remove?.(have) ?? []) : resource.apply(have, prepared)
}
