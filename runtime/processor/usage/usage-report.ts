import type { Db, Decimal128, Document } from 'mongodb'
import { plainDecimal } from './money.ts'
import { Retention } from './retention.ts'
import { rollupIndex, rollupKinds } from './rollup-kinds.ts'
import type { Grouping, RowKey, UsageQuery } from './usage-query.ts'
import { type BucketSpan, ceilTo, cutIntoBuckets, floorTo, type Span, widthMs } from './widths.ts'

/** Sums over some of the usage. */
export interface UsageSums {
  events: number
  tokens: number
  prompt_tokens: number
  completion_tokens: number
  /** Exact, and therefore text. */
  cost_usd: string
  /** `null` where there were no tokens. */
  cost_per_token_usd: number | null
  tokens_per_second: number
}

/** What a row is of, under the names that it has in the answer. */
export type RowNames =
  | { model: string }
  | { host: string | null }
  | { host: string | null; gpu_index: number }
  | { hour: string }

export interface UsageReport {
  from: string
  to: string
  by: Grouping
  /** Whether all that is stored of this range is in the sums: what was stored in the last seconds may not be yet. */
  complete: boolean
  total: UsageSums
  rows: (RowNames & UsageSums)[]
  /** The last row, where there are more after it. */
  next: RowKey | undefined
}

interface Sums {
  count: number
  tokens: number
  prompt_tokens: number
  completion_tokens: number
  cost_usd: Decimal128
}

const { rollups } = rollupKinds.usage

/** Longer than this, and whoever asks is told to ask for less. */
const longestMs = 5000

const sums = Object.fromEntries(
  ['count', 'tokens', 'prompt_tokens', 'completion_tokens', 'cost_usd'].map((name) => [
    name,
    { $sum: `$${name}` },
  ]),
)

/** Selects whole buckets, each width by its own stretch of the index. */
const inBuckets = (buckets: BucketSpan[]): Document => ({
  $match: {
    $or: buckets.map(({ width, from, to }) => ({ width, at: { $gte: new Date(from), $lt: new Date(to) } })),
  },
})

const keyFields: Record<Exclude<Grouping, 'hour'>, Document> = {
  model: { a: '$model' },
  host: { a: '$host' },
  gpu: { a: '$host', b: '$gpu_index' },
}

/** The total, and the rows of one page and one more, out of one look at the roll-ups. */
export function pagePipeline(
  by: Exclude<Grouping, 'hour'>,
  { after, limit }: Pick<UsageQuery, 'after' | 'limit'>,
  buckets: BucketSpan[],
): Document[] {
  const rest = after === undefined ? [] : [{ $match: { _id: { $gt: keyDocument(after) } } }]
  return [
    inBuckets(buckets),
    { $group: { _id: keyFields[by], ...sums } },
    {
      $facet: {
        total: [{ $group: { _id: null, ...sums } }],
        rows: [...rest, { $sort: { _id: 1 } }, { $limit: limit + 1 }],
      },
    },
  ]
}

const hourOf = { $subtract: [{ $toLong: '$at' }, { $mod: [{ $toLong: '$at' }, widthMs.hour] }] }

const keyDocument = ([a, b]: RowKey): Document => (b === undefined ? { a } : { a, b })

/** Answers from the roll-ups: the time it takes depends on the range and what there is in it, not on the documents. */
export async function reportUsage(db: Db, query: UsageQuery): Promise<UsageReport> {
  const range = await answerable(db, query)
  // Asked before the sums are read: what has no mark now is in them.
  const behind = await db
    .collection('rollup_marks')
    .findOne({ kind: 'usage', at: { $gte: new Date(range.from), $lt: new Date(range.to) } })
  const { by } = query
  const { total, rows, next } = await (by === 'hour'
    ? readHours(db, query, range)
    : readPage(db, by, query, range))
  return {
    from: new Date(range.from).toISOString(),
    to: new Date(range.to).toISOString(),
    by,
    complete: behind === null,
    total: written(total, range.to - range.from),
    rows: rows.map(({ key, found }) => {
      const ms = by === 'hour' ? overlapOfHour(Number(key[0]), range) : range.to - range.from
      return { ...namesOf(by, key), ...written(found, ms) }
    }),
    next,
  }
}

interface Page {
  total: Sums | undefined
  rows: { key: RowKey; found: Sums | undefined }[]
  next: RowKey | undefined
}

type Row = Sums & { _id: { a: string | number | null; b?: number } }

const ask = <Found extends Document>(db: Db, pipeline: Document[]): Promise<Found[]> =>
  db
    .collection(rollups)
    .aggregate<Found>(pipeline, { hint: rollupIndex, maxTimeMS: longestMs, allowDiskUse: false })
    .toArray()

async function readPage(
  db: Db,
  by: Exclude<Grouping, 'hour'>,
  query: UsageQuery,
  range: Span,
): Promise<Page> {
  const [answer] = await ask<{ total: Sums[]; rows: Row[] }>(
    db,
    pagePipeline(by, query, cutIntoBuckets(range)),
  )
  const found = (answer?.rows ?? []).map((row) => ({ key: keyOf(row._id), found: row }))
  const rows = found.slice(0, query.limit)
  return { total: answer?.total[0], rows, next: found.length > rows.length ? rows.at(-1)?.key : undefined }
}

async function readHours(db: Db, query: UsageQuery, range: Span): Promise<Page> {
  const page = hoursOfPage(query, range)
  const hours = cutIntoBuckets(page).map(toHours)
  const [[total], found] = await Promise.all([
    ask<Sums>(db, [inBuckets(cutIntoBuckets(range)), { $group: { _id: null, ...sums } }]),
    hours.length === 0 ? [] : ask<Row>(db, [inBuckets(hours), { $group: { _id: { a: hourOf }, ...sums } }]),
  ])
  const rows = everyHour(page, found)
  return { total, rows, next: page.to < range.to ? rows.at(-1)?.key : undefined }
}

/** Where documents were deleted, only whole hours are left. */
async function answerable(db: Db, { from, to }: Span): Promise<Span> {
  const keptFrom = await Retention.keptFrom(db)
  if (keptFrom === undefined) return { from, to }
  return {
    from: from < keptFrom ? floorTo('hour', from) : from,
    to: to < keptFrom ? ceilTo('hour', to) : to,
  }
}

/** A day's roll-up does not tell its hours. */
const toHours = (span: BucketSpan): BucketSpan => (span.width === 'day' ? { ...span, width: 'hour' } : span)

/** Hours have their page by their number, whether anything happened in them or not. */
function hoursOfPage({ after, limit }: UsageQuery, { from, to }: Span): Span {
  const first = after === undefined ? floorTo('hour', from) : Number(after[0]) + widthMs.hour
  return { from: Math.max(from, first), to: Math.min(to, first + limit * widthMs.hour) }
}

function everyHour(page: Span, found: Row[]): Page['rows'] {
  const byHour = new Map(found.map((row) => [Number(row._id.a), row]))
  const hours: Page['rows'] = []
  for (let hour = floorTo('hour', page.from); hour < page.to; hour += widthMs.hour) {
    hours.push({ key: [hour], found: byHour.get(hour) })
  }
  return hours
}

const overlapOfHour = (hour: number, { from, to }: Span): number =>
  Math.min(to, hour + widthMs.hour) - Math.max(from, hour)

const keyOf = ({ a, b }: { a: string | number | null; b?: number }): RowKey =>
  b === undefined ? [a] : [a, b]

function namesOf(by: Grouping, [first, second]: RowKey): RowNames {
  if (by === 'model') return { model: String(first) }
  if (by === 'hour') return { hour: new Date(Number(first)).toISOString() }
  const host = first === null || first === undefined ? null : String(first)
  return by === 'host' ? { host } : { host, gpu_index: Number(second) }
}

function written(found: Sums | undefined, ms: number): UsageSums {
  const tokens = found?.tokens ?? 0
  const cost = found === undefined ? '0' : plainDecimal(found.cost_usd.toString())
  return {
    events: found?.count ?? 0,
    tokens,
    prompt_tokens: found?.prompt_tokens ?? 0,
    completion_tokens: found?.completion_tokens ?? 0,
    cost_usd: cost,
    cost_per_token_usd: tokens === 0 ? null : Number(cost) / tokens,
    tokens_per_second: tokens / (ms / 1000),
  }
}
