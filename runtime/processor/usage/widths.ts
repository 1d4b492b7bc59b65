/** How wide a bucket of a roll-up is. Each width is summed up from the one before, the first from the documents. */
export const widths = ['10s', 'minute', 'hour', 'day'] as const
export type Width = (typeof widths)[number]

/** The milliseconds of a bucket. */
export const widthMs: Record<Width, number> = {
  '10s': 10_000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
}

/** The width that a bucket is summed up from; the narrowest are summed up from the documents themselves. */
export const sourceOf: Record<Width, Width | undefined> = {
  '10s': undefined,
  minute: '10s',
  hour: 'minute',
  day: 'hour',
}

/** The beginning of the bucket that a time lies in. All begin at whole numbers of their width since 1970, in UTC. */
export const floorTo = (width: Width, time: number): number =>
  Math.floor(time / widthMs[width]) * widthMs[width]

/** The first beginning of a bucket that is not before a time. */
export const ceilTo = (width: Width, time: number): number =>
  Math.ceil(time / widthMs[width]) * widthMs[width]

/** Times in [`from`, `to`), in milliseconds. */
export interface Span {
  from: number
  to: number
}

/** Whole buckets of one width. */
export interface BucketSpan extends Span {
  width: Width
}

/**
 * Cuts a time range into as few whole buckets as there can be: days inside, hours around them, minutes at the ends.
 * What is narrower than `finest` is left out.
 */
export function cutIntoBuckets({ from, to }: Span, finest: Width = 'minute'): BucketSpan[] {
  return cut({ from, to }, 'day', finest)
    .filter((span) => span.to > span.from)
    .sort((a, b) => a.from - b.from)
}

function cut({ from, to }: Span, width: Width, finest: Width): BucketSpan[] {
  const narrower = sourceOf[width]
  const inner = { width, from: ceilTo(width, from), to: floorTo(width, to) }
  if (width === finest || narrower === undefined) return [inner]
  if (inner.to <= inner.from) return cut({ from, to }, narrower, finest)
  return [
    ...cut({ from, to: inner.from }, narrower, finest),
    inner,
    ...cut({ from: inner.to, to }, narrower, finest),
  ]
}
