import type { UsageDocument } from '../../runtime/processor/documents.ts'

/** A stream of numbers in [0, 1) that a seed decides. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

/** Usage documents of several models, hosts and GPUs, some without a host, at random times of a range. */
export function usageDocuments(
  count: number,
  { seed, from, to, name = `s${seed}` }: { seed: number; from: number; to: number; name?: string },
): UsageDocument[] {
  const random = randomFrom(seed)
  const below = (limit: number) => Math.floor(random() * limit)
  return Array.from({ length: count }, (_, number): UsageDocument => {
    const host = below(5)
    const prompt_tokens = 256 + below(1792)
    const completion_tokens = 64 + below(448)
    const price = [0.85, 3.2, 0.526][below(3)] ?? 0.85
    const tps = 100 + random() * 9000
    return {
      _id: `${name}-${number}`,
      ts: new Date(from + below(to - from)),
      model: ['llama-3-70b', 'mistral-large', 'qwen-2.5'][below(3)] ?? '',
      ...(host === 0 ? {} : { host: `gpu-${host}` }),
      gpu_index: below(2),
      prompt_tokens,
      completion_tokens,
      tokens: prompt_tokens + completion_tokens,
      latency_ms: 100 + below(700),
      tps,
      cost_per_token: number % 97 === 0 ? null : price / (tps * 3600),
      price_per_hour_usd: price,
      source: { topic: 'token.usage.v1', partition: 0, offset: number },
    }
  })
}

/** What documents add up to, computed without the database: money in whole millionths of a millionth of a dollar. */
export function addUp(documents: UsageDocument[]): { events: number; tokens: number; cost_usd: string } {
  let tokens = 0
  let cost = 0n
  for (const document of documents) {
    tokens += document.tokens
    cost += costOf(document)
  }
  const digits = cost.toString().padStart(13, '0')
  const cost_usd = `${digits.slice(0, -12)}.${digits.slice(-12)}`.replace(/\.?0+$/, '')
  return { events: documents.length, tokens, cost_usd }
}

/** Tokens times cost per token, of which 15 digits count, rounded half to even at the twelfth place. */
function costOf({ tokens, cost_per_token }: UsageDocument): bigint {
  const [digits = '0', exponent = '0'] = (cost_per_token ?? 0).toExponential(14).split('e')
  const places = 14 - Number(exponent)
  const product = BigInt(tokens) * BigInt(digits.replace('.', ''))
  if (places <= 12) return product * 10n ** BigInt(12 - places)
  const unit = 10n ** BigInt(places - 12)
  const whole = product / unit
  const twice = (product % unit) * 2n
  return twice > unit || (twice === unit && whole % 2n === 1n) ? whole + 1n : whole
}
