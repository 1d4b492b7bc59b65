import { randomUUIDv7 } from 'node:crypto'
import type { GpuReading } from './gpu.ts'

/** The key and the value of an event. */
export interface Message {
  key: string
  value: string
}

/** One event as Kafka takes it: keyed by host, so that a host's events stay in order. */
const toMessage = (host: string, fields: object): Message => ({ key: host, value: JSON.stringify(fields) })

const wholeBetween = (random: () => number, least: number, largest: number): number =>
  least + Math.floor(random() * (largest - least + 1))

/**
 * One event's identity, which becomes the document's `_id`. It begins with the time (RFC 9562, version 7): the database
 * then adds to one end of its index, which stays in memory however many documents there are.
 */
const newEventId = (): string => randomUUIDv7()

/** One iteration: a sample of a GPU, and an answer that a model gave on it. */
export function createEvents(
  gpu: GpuReading,
  { marker, random, now }: { marker: string | undefined; random: () => number; now: Date },
): { sample: Message; usage: Message } {
  const ts = now.toISOString()
  const run = marker === undefined ? {} : { run: marker }
  return {
    sample: toMessage(gpu.host, { event_id: newEventId(), ts, ...gpu, ...run }),
    usage: toMessage(gpu.host, {
      event_id: newEventId(),
      ts,
      host: gpu.host,
      gpu_index: gpu.gpu_index,
      model: 'llama-3-70b',
      prompt_tokens: wholeBetween(random, 256, 2048),
      completion_tokens: wholeBetween(random, 64, 512),
      latency_ms: wholeBetween(random, 100, 800),
      price_per_hour_usd: gpu.price_per_hour_usd,
      ...run,
    }),
  }
}
