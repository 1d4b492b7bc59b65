import type { Kind } from './rollup-kinds.ts'
import type { Mark } from './rollup-marks.ts'
import { ceilTo, floorTo, type Span, type Width, widthMs } from './widths.ts'

/** Marks that are worked on together: those of one kind and hour. */
export interface Portion {
  kind: Kind
  /** The times that have marks, in order. What lies between two of them is a minute at least. */
  stretches: Span[]
  marks: Mark[]
}

/** Divides marks into portions; the newest come first, since they are what is looked at. */
export function inPortions(marks: Mark[]): Portion[] {
  const hours = Map.groupBy(marks, ({ kind, at }) => `${kind} ${floorTo('hour', at)}`)
  return [...hours.values()]
    .map((some): Portion => ({ kind: some[0]?.kind ?? 'usage', stretches: stretchesOf(some), marks: some }))
    .sort((a, b) => endOf(b) - endOf(a))
}

/** The whole buckets of a width that a portion reaches into. */
export function bucketsOf({ stretches }: Portion, width: Width): Span[] {
  const rounded = stretches.map(({ from, to }) => ({ from: floorTo(width, from), to: ceilTo(width, to) }))
  if (widthMs[width] <= widthMs.minute) return rounded
  // A portion lies in one hour, and therefore in one day.
  return rounded.slice(0, 1)
}

/** Whoever is late by an hour, or whose clock is, has what lies between left alone. */
function stretchesOf(marks: Mark[]): Span[] {
  const stretches: Span[] = []
  for (const from of marks.map(({ at }) => at).sort((a, b) => a - b)) {
    const to = from + widthMs['10s']
    const last = stretches.at(-1)
    if (last !== undefined && from - last.to < widthMs.minute) last.to = to
    else stretches.push({ from, to })
  }
  return stretches
}

const endOf = ({ stretches }: Portion): number => stretches.at(-1)?.to ?? 0
