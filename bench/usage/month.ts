import { toUsageDocument, type UsageDocument } from '../../runtime/processor/documents.ts'
import { random } from '../pipeline/random.ts'

export const month = { from: Date.parse('2026-10-01T00:00:00Z'), to: Date.parse('2026-11-01T00:00:00Z') }

const hosts = 8
const gpusOfHost = 2
const models = ['llama-3-70b', 'llama-3-8b', 'mistral-large', 'mixtral-8x22b', 'qwen-2.5-72b'] as const
const prices = [0.85, 3.2] as const

const minuteMs = 60_000

/**
 * The usage of a month in the order of its minutes: 16 GPUs, each of which works ten seconds of every minute, and for
 * an hour at a time on one of five models, so that every model runs on every GPU on most days.
 */
export function* usageOfMonth({
  documents,
  seed,
}: {
  documents: number
  seed: number
}): Generator<UsageDocument> {
  const next = random(seed)
  const minutes = (month.to - month.from) / minuteMs
  const modelOf = new Map<number, (typeof models)[number]>()
  for (let number = 0; number < documents; number += 1) {
    const minute = Math.floor((number * minutes) / documents)
    const gpu = number % (hosts * gpusOfHost)
    const hourOfGpu = Math.floor(minute / 60) * hosts * gpusOfHost + gpu
    let model = modelOf.get(hourOfGpu)
    if (model === undefined) {
      model = models[Math.floor(next() * models.length)] ?? models[0]
      modelOf.set(hourOfGpu, model)
    }
    const burst = month.from + minute * minuteMs + ((minute + gpu) % 6) * 10_000
    yield toUsageDocument(
      {
        ts: new Date(burst + Math.floor(next() * 10_000)),
        model,
        host: `gpu-host-${(gpu % hosts) + 1}`,
        gpu_index: Math.floor(gpu / hosts),
        prompt_tokens: 256 + Math.floor(next() * 1793),
        completion_tokens: 64 + Math.floor(next() * 449),
        latency_ms: 100 + Math.floor(next() * 701),
      },
      {
        id: `month-${String(number).padStart(10, '0')}`,
        source: { topic: 'token.usage.v1', partition: gpu % 12, offset: number },
        window: { tokens: 1000 + Math.floor(next() * 300_000), spanMs: 29_900 },
        price: prices[gpu % prices.length] ?? prices[0],
      },
    )
  }
}
