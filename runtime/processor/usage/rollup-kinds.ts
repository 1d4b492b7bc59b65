import type { Document } from 'mongodb'
import type { Width } from './widths.ts'
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

/**
 * Sums up whole buckets of one width and writes them over what was there. Sums are made anew from all documents, never
 * added to, so that doing it twice changes nothing. Documents are only ever added, so where two do it at the same time
 * the roll-up that counted more has seen all that the other did: it stays.
 */
export function rollupPipeline(
  kind: Kind,
  { width, source, from, to }: { width: Width; source: Width | undefined; from: number; to: number },
): Document[] {
  const { by, first, again, rollups } = rollupKinds[kind]
  const time = source === undefined ? '$ts' : '$at'
  const range = { $gte: new Date(from), $lt: new Date(to) }
  const at = { $toDate: { $subtract: [{ $toLong: time }, { $mod: [{ $toLong: time }, widthMs[width]] }] } }
  return [
    { $match: source === undefined ? { ts: range } : { width: source, at: range } },
    { $group: { _id: { width, at, ...by }, ...(source === undefined ? first : again) } },
    { $replaceWith: { $mergeObjects: ['$$ROOT', '$_id', { _id: '$_id' }] } },
    {
      $merge: {
        into: rollups,
        on: '_id',
        whenMatched: [{ $replaceWith: { $cond: [{ $gte: ['$$new.count', '$count'] }, '$$new', '$$ROOT'] } }],
        whenNotMatched: 'insert',
      },
    },
  ]
}
