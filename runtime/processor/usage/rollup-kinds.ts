import type { Document } from 'mongodb'
import type { Span, Width } from './widths.ts'
import { widthMs } from './widths.ts'

/** What is rolled up: token usage, and the samples of GPUs. */
export const kinds = ['usage', 'gpu'] as const
export type Kind = (typeof kinds)[number]

/** A kind of roll-up: from which documents, by what, and which sums. */
interface RollupKind {
  documents: 'token_usage' | 'gpu_metrics'
  rollups: 'usage_rollups' | 'gpu_rollups'
  /** What a bucket has one roll-up for each of. */
  by: Record<string, Document | string>
  /** The sums over documents. */
  first: Record<string, Document>
  /** The same sums over narrower roll-ups. */
  again: Record<string, Document>
}

const sumOf = (field: string): Document => ({ $sum: `$${field}` })
const sumsOf = (...fields: string[]) => Object.fromEntries(fields.map((field) => [field, sumOf(field)]))

/**
 * The cost of one event, in decimal and rounded to a millionth of a millionth of a dollar: such sums are exact whatever
 * the order that they are made in, which sums of binary fractions are not.
 */
const costOfEvent: Document = {
  $round: [{ $multiply: ['$tokens', { $toDecimal: { $ifNull: ['$cost_per_token', 0] } }] }, 12],
}

export const rollupKinds: Record<Kind, RollupKind> = {
  usage: {
    documents: 'token_usage',
    rollups: 'usage_rollups',
    by: { model: '$model', host: { $ifNull: ['$host', null] }, gpu_index: '$gpu_index' },
    first: {
      count: { $sum: 1 },
      ...sumsOf('tokens', 'prompt_tokens', 'completion_tokens', 'latency_ms'),
      cost_usd: { $sum: costOfEvent },
    },
    again: sumsOf('count', 'tokens', 'prompt_tokens', 'completion_tokens', 'latency_ms', 'cost_usd'),
  },
  gpu: {
    documents: 'gpu_metrics',
    rollups: 'gpu_rollups',
    by: { host: '$host', gpu_index: '$gpu_index' },
    first: {
      count: { $sum: 1 },
      ...sumsOf('utilization', 'mem_used_mb', 'mem_total_mb', 'power_w', 'price_per_hour_usd'),
    },
    again: sumsOf('count', 'utilization', 'mem_used_mb', 'mem_total_mb', 'power_w', 'price_per_hour_usd'),
  },
}

/** The fields of a roll-up by which it is found. */
export const rollupIndex = { width: 1, at: 1 } as const

/** What the roll-ups have to remember of themselves, besides what is behind. */
export const rollupState = 'rollup_state'

/** The hours before the one that the retention has reached, and all in them, stay as they are: their documents are gone. */
const unlessExpired: Document[] = [
  // Looked up once all documents are summed up: if none of them was to be deleted then, none was missed.
  { $lookup: { from: rollupState, pipeline: [{ $match: { _id: 'expired' } }], as: 'expired' } },
  { $match: { $expr: { $gte: ['$at', { $ifNull: [{ $first: '$expired.before' }, new Date(0)] }] } } },
  { $unset: 'expired' },
]

/**
 * Sums up whole buckets of one width and writes them over what was there. Sums are made anew from all documents, never
 * added to, so that doing it twice changes nothing. Where two do it at the same time, the one that began later has seen
 * all that was to be summed up by then: its sums stay, whichever are written first.
 *
 * @param turn a number that is greater than that of whoever began before
 */
export function rollupPipeline(
  kind: Kind,
  {
    width,
    source,
    stretches,
    turn,
  }: { width: Width; source: Width | undefined; stretches: readonly Span[]; turn: number },
): Document[] {
  const { by, first, again, rollups } = rollupKinds[kind]
  const time = source === undefined ? '$ts' : '$at'
  const at = { $toDate: { $subtract: [{ $toLong: time }, { $mod: [{ $toLong: time }, widthMs[width]] }] } }
  const ranges = stretches.map(({ from, to }) => {
    const range = { $gte: new Date(from), $lt: new Date(to) }
    return source === undefined ? { ts: range } : { width: source, at: range }
  })
  return [
    { $match: { $or: ranges } },
    { $group: { _id: { width, at, ...by }, ...(source === undefined ? first : again) } },
    { $replaceWith: { $mergeObjects: ['$$ROOT', '$_id', { _id: '$_id', turn }] } },
    // A day is summed up from its hours, which stay for ever.
    ...(width === 'day' ? [] : unlessExpired),
    {
      $merge: {
        into: rollups,
        on: '_id',
        whenMatched: [
          {
            $replaceWith: { $cond: [{ $gte: ['$$new.turn', { $ifNull: ['$turn', 0] }] }, '$$new', '$$ROOT'] },
          },
        ],
        whenNotMatched: 'insert',
      },
    },
  ]
}
