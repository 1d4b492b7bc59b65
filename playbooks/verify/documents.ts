import type { Db } from 'mongodb'
import * as v from 'valibot'
import { CheckFailure } from './checklist.ts'
import type { UsageRecord } from './cost.ts'

export const collections = ['gpu_metrics', 'token_usage'] as const
export type CollectionName = (typeof collections)[number]

const Whole = v.pipe(v.number(), v.integer(), v.minValue(0))
const stored = {
  _id: v.string(),
  ts: v.date(),
  host: v.string(),
  gpu_index: Whole,
  price_per_hour_usd: v.number(),
  source: v.object({ topic: v.string(), partition: Whole, offset: Whole }),
}

/** A document of `gpu_metrics` that a producer's sample became. */
export const GpuDocument = v.object(stored)
export type GpuDocument = v.InferOutput<typeof GpuDocument>

/** A document of `token_usage`. */
export const UsageDocument = v.object({
  ...stored,
  prompt_tokens: Whole,
  completion_tokens: Whole,
  tokens: v.number(),
  tps: v.number(),
  cost_per_token: v.nullable(v.number()),
})
export type UsageDocument = v.InferOutput<typeof UsageDocument>

/** Names a GPU everywhere: its host and its index there. */
export const gpuOf = ({ host, gpu_index }: Pick<GpuDocument, 'host' | 'gpu_index'>): string =>
  `${host}#${gpu_index}`

/** What stands in the database of one batch. */
export interface BatchDocuments {
  gpu_metrics: GpuDocument[]
  token_usage: UsageDocument[]
}

/** Reads the documents of a batch. `since` lets the database use its index of times. */
export async function readBatch(database: Db, marker: string, since: Date): Promise<BatchDocuments> {
  const read = (collection: CollectionName) =>
    database
      .collection(collection)
      .find({ ts: { $gte: since }, run: marker })
      .toArray()
  const [samples, usages] = await Promise.all([read('gpu_metrics'), read('token_usage')])
  return {
    gpu_metrics: samples.map((document) => parsed(GpuDocument, 'gpu_metrics', document)),
    token_usage: usages.map((document) => parsed(UsageDocument, 'token_usage', document)),
  }
}

/** Reads all token events that may lie in the window of one of these. */
export async function readWindows(database: Db, batch: readonly UsageDocument[]): Promise<UsageRecord[]> {
  const times = batch.map(({ ts }) => ts.getTime())
  const documents = await database
    .collection('token_usage')
    .find({
      ts: { $gte: new Date(Math.min(...times) - 30_000), $lte: new Date(Math.max(...times)) },
      host: { $in: [...new Set(batch.map(({ host }) => host))] },
    })
    .toArray()
  return documents.map((document) => toRecord(parsed(UsageDocument, 'token_usage', document)))
}

/** A stored document as the recomputation of its cost takes it. */
export function toRecord(document: UsageDocument): UsageRecord {
  const { _id, ts, source, prompt_tokens, completion_tokens } = document
  return {
    id: _id,
    partition: `${source.topic}:${source.partition}`,
    offset: source.offset,
    gpu: gpuOf(document),
    time: ts.getTime(),
    prompt: prompt_tokens,
    completion: completion_tokens,
  }
}

function parsed<const Schema extends v.GenericSchema>(
  schema: Schema,
  collection: CollectionName,
  document: unknown,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, document)
  if (result.success) return result.output
  const [issue] = result.issues
  throw new CheckFailure(
    `a document of ${collection} has ${v.getDotPath(issue) ?? 'a form'} that should be ${issue.expected}, is ${issue.received}`,
    { advice: 'see which release of the processor wrote it: it and verify-e2e should be of one version' },
  )
}
