import { costPerToken, tokensPerSecond } from '../cost.ts'
import type { GpuSample, TokenUsage } from '../messages.ts'
import type { WindowSum } from './timeline.ts'

/** Where a document's message lies in Kafka. */
export interface Source {
  topic: string
  partition: number
  offset: number
}

interface Stored {
  /** The `event_id` of the message, or `topic:partition:offset` of where it lay at first where it has none. */
  _id: string
  source: Source
}

export type GpuDocument = Stored & Omit<GpuSample, 'event_id'>

export type UsageDocument = Stored &
  Omit<TokenUsage, 'event_id'> & {
    tokens: number
    tps: number
    /** `null` where the window holds no tokens. */
    cost_per_token: number | null
    /** The price that `cost_per_token` was computed with. */
    price_per_hour_usd: number
  }

/** The `_id` of the document that a message becomes; `origin` is where one that was replayed lay at first. */
export const documentId = (
  { event_id }: { event_id?: string | undefined },
  source: Source,
  origin?: string,
): string => event_id ?? origin ?? `${source.topic}:${source.partition}:${source.offset}`

/** The document of `gpu_metrics` that a sample becomes. */
export function toGpuDocument(sample: GpuSample, source: Source, origin?: string): GpuDocument {
  const document: GpuDocument = {
    _id: documentId(sample, source, origin),
    ts: sample.ts,
    host: sample.host,
    gpu_index: sample.gpu_index,
    name: sample.name,
    utilization: sample.utilization,
    mem_used_mb: sample.mem_used_mb,
    mem_total_mb: sample.mem_total_mb,
    power_w: sample.power_w,
    price_per_hour_usd: sample.price_per_hour_usd,
    source,
  }
  if (sample.run !== undefined) document.run = sample.run
  return document
}

/** The document of `token_usage` that a message becomes, given its window and the price of its GPU. */
export function toUsageDocument(
  usage: TokenUsage,
  { id, source, window, price }: { id: string; source: Source; window: WindowSum; price: number },
): UsageDocument {
  const tps = tokensPerSecond(window.tokens, window.spanMs)
  const document: UsageDocument = {
    _id: id,
    ts: usage.ts,
    model: usage.model,
    prompt_tokens: usage.prompt_tokens,
    completion_tokens: usage.completion_tokens,
    latency_ms: usage.latency_ms,
    gpu_index: usage.gpu_index,
    tokens: usage.prompt_tokens + usage.completion_tokens,
    tps,
    cost_per_token: costPerToken(price, tps),
    price_per_hour_usd: price,
    source,
  }
  if (usage.host !== undefined) document.host = usage.host
  if (usage.run !== undefined) document.run = usage.run
  return document
}
