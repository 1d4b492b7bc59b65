import {
  type GpuDocument,
  toGpuDocument,
  toUsageDocument,
  type UsageDocument,
} from '../../runtime/processor/documents.ts'
import { random, wordOf } from './random.ts'

/** The events of a stream, the same for the same seed. */
export interface StreamOptions {
  seed: number
  /** The time of the first event, in milliseconds since 1970. */
  startMs: number
  /** How dense the events are in their own time, however fast they are sent. */
  eventsPerSecond: number
}

/** One event of the stream, with the names that its topic has for its fields. */
export interface StreamEvent {
  kind: 'gpu' | 'token'
  host: string
  fields: Record<string, string | number>
}

const hostsOfStream = 16

const gpus = [
  { name: 'RTX 3090', mem_total_mb: 24_576, mem_used_mb: 9000, power_w: 280, price_per_hour_usd: 0.85 },
  { name: 'A100 40GB', mem_total_mb: 40_960, mem_used_mb: 12_000, power_w: 210, price_per_hour_usd: 3.2 },
] as const

/** Half samples of GPUs, half usage of tokens, of all hosts in turn. It never ends. */
export function* createStream({
  seed,
  startMs,
  eventsPerSecond,
}: StreamOptions): Generator<StreamEvent, never> {
  const next = random(seed)
  for (let number = 0; ; number += 1) {
    const place = (number >> 1) % hostsOfStream
    const host = `gpu-host-${place + 1}`
    const gpu = gpus[place % gpus.length] ?? gpus[0]
    const time = new Date(startMs + (number * 1000) / eventsPerSecond)
    const common = { event_id: eventIdOf(time, next), ts: time.toISOString() }
    if (number % 2 === 0) {
      yield {
        kind: 'gpu',
        host,
        fields: {
          ...common,
          host,
          gpu_index: 0,
          name: gpu.name,
          utilization: Math.round(next() * 1000) / 1000,
          mem_used_mb: gpu.mem_used_mb + Math.floor(next() * 1000),
          mem_total_mb: gpu.mem_total_mb,
          power_w: gpu.power_w + Math.round(next() * 100) / 10,
          price_per_hour_usd: gpu.price_per_hour_usd,
        },
      }
    } else {
      yield {
        kind: 'token',
        host,
        fields: {
          ...common,
          host,
          gpu_index: 0,
          model: 'llama-3-70b',
          prompt_tokens: 256 + Math.floor(next() * 1793),
          completion_tokens: 64 + Math.floor(next() * 449),
          latency_ms: 100 + Math.floor(next() * 701),
          price_per_hour_usd: gpu.price_per_hour_usd,
        },
      }
    }
  }
}

/** An identity of the form that our producers give (UUID, version 7): the time, and then chance. */
function eventIdOf(time: Date, next: () => number): string {
  const milliseconds = time.getTime().toString(16).padStart(12, '0')
  const [first, second, third] = [wordOf(next), wordOf(next), wordOf(next)]
  return `${milliseconds.slice(0, 8)}-${milliseconds.slice(8)}-7${first.slice(0, 3)}-8${first.slice(3, 6)}-${second}${third.slice(0, 4)}`
}

/** The document that our processor makes of an event; its window is made up, all else is as it would be. */
export function documentOf({ kind, fields }: StreamEvent, offset: number): GpuDocument | UsageDocument {
  const message = { ...fields, ts: new Date(fields.ts ?? Number.NaN) } as never
  const source = { topic: kind === 'gpu' ? 'gpu.metrics.v1' : 'token.usage.v1', partition: 0, offset }
  if (kind === 'gpu') return toGpuDocument(message, source)
  const window = { tokens: 1_000_000 + offset, spanMs: 29_900 }
  return toUsageDocument(message, {
    id: String(fields.event_id),
    source,
    window,
    price: Number(fields.price_per_hour_usd),
  })
}
