import { isUtf8 } from 'node:buffer'
import { type GpuSample, limits, type TokenUsage } from './messages.ts'
import { reasonOf } from './reason.ts'
import { parseTimestamp } from './timestamp.ts'

/** A message that is not what its topic carries. `reason` says which field is wrong, and how. */
export class Rejection {
  readonly reason: string

  constructor(reason: string) {
    this.reason = reason
  }
}

type Fields = Record<string, unknown>

// Half of a surrogate pair has no UTF-8 form: two such texts would become one in the database.
const isText = (value: unknown, longest: number): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= longest && value.isWellFormed()

const isTextOrAbsent = (value: unknown, longest: number): value is string | undefined =>
  value === undefined || isText(value, longest)

const isAmount = (value: unknown): value is number =>
  typeof value === 'number' && value >= 0 && value !== Number.POSITIVE_INFINITY

const isCount = (value: unknown, largest: number): value is number =>
  typeof value === 'number' && value >= 0 && value <= largest && Number.isInteger(value)

const wrong = (field: string, expected: string, value: unknown): Rejection =>
  new Rejection(
    value === undefined ? `${field} is missing` : `${field} should be ${expected}, got ${show(value)}`,
  )

const show = (value: unknown): string => {
  const written = JSON.stringify(value) ?? String(value)
  return written.length > 80 ? `${written.slice(0, 77)}...` : written
}

/** The JSON object in a message's bytes. */
export function parseFields(bytes: Buffer | null): Fields | Rejection {
  if (bytes === null || bytes.length === 0) return new Rejection('the message is empty')
  if (!isUtf8(bytes)) return new Rejection('the message is not UTF-8')
  try {
    const parsed: unknown = JSON.parse(bytes.toString('utf8'))
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed as Fields
    return new Rejection(`the message should be a JSON object, got ${show(parsed)}`)
  } catch (error) {
    return new Rejection(`the message is not JSON: ${reasonOf(error)}`)
  }
}

/** Reads what both kinds of message have. */
function decodeCommon({
  ts,
  gpu_index,
  event_id,
  run,
}: Fields): Pick<GpuSample, 'ts' | 'gpu_index' | 'event_id' | 'run'> | Rejection {
  const time = typeof ts === 'string' ? parseTimestamp(ts) : undefined
  if (time === undefined) return wrong('ts', 'a UTC time of this century such as 2026-01-02T03:04:05Z', ts)
  if (!isCount(gpu_index, limits.gpuIndex)) return wrong('gpu_index', 'a whole number from 0', gpu_index)
  if (!isTextOrAbsent(event_id, limits.eventId)) {
    return wrong('event_id', 'a text of 1 to 128 characters', event_id)
  }
  if (!isTextOrAbsent(run, limits.run)) return wrong('run', 'a text of 1 to 128 characters', run)
  return { ts: new Date(time), gpu_index, event_id, run }
}

/** The same as the schema `GpuSample`, several times as fast: this is on the way of every message. */
export function decodeGpuSample(fields: Fields): GpuSample | Rejection {
  const { host, name, utilization, mem_used_mb, mem_total_mb, power_w, price_per_hour_usd } = fields
  const common = decodeCommon(fields)
  if (common instanceof Rejection) return common
  if (!isText(host, limits.host)) return wrong('host', 'a host name', host)
  if (!isText(name, limits.name)) return wrong('name', 'the name of a GPU', name)
  if (!isAmount(utilization) || utilization > 1) return wrong('utilization', 'from 0 to 1', utilization)
  if (!isAmount(mem_used_mb)) return wrong('mem_used_mb', 'a number from 0', mem_used_mb)
  if (!isAmount(mem_total_mb)) return wrong('mem_total_mb', 'a number from 0', mem_total_mb)
  if (!isAmount(power_w)) return wrong('power_w', 'a number from 0', power_w)
  if (!isAmount(price_per_hour_usd)) return wrong('price_per_hour_usd', 'a number from 0', price_per_hour_usd)
  // Made at once, also what is absent: an object that grows is made several times.
  return {
    ts: common.ts,
    gpu_index: common.gpu_index,
    event_id: common.event_id,
    run: common.run,
    host,
    name,
    utilization,
    mem_used_mb,
    mem_total_mb,
    power_w,
    price_per_hour_usd,
  }
}

/** The same as the schema `TokenUsage`, several times as fast: this is on the way of every message. */
export function decodeTokenUsage(fields: Fields): TokenUsage | Rejection {
  const { host, model, prompt_tokens, completion_tokens, latency_ms, price_per_hour_usd } = fields
  const common = decodeCommon(fields)
  if (common instanceof Rejection) return common
  if (!isText(model, limits.model)) return wrong('model', 'the name of a model', model)
  if (!isCount(prompt_tokens, limits.tokens)) return wrong('prompt_tokens', 'a whole number', prompt_tokens)
  if (!isCount(completion_tokens, limits.tokens)) {
    return wrong('completion_tokens', 'a whole number', completion_tokens)
  }
  if (!isAmount(latency_ms)) return wrong('latency_ms', 'a number from 0', latency_ms)
  if (!isTextOrAbsent(host, limits.host)) return wrong('host', 'a host name', host)
  if (price_per_hour_usd !== undefined && !isAmount(price_per_hour_usd)) {
    return wrong('price_per_hour_usd', 'a number from 0', price_per_hour_usd)
  }
  return {
    ts: common.ts,
    gpu_index: common.gpu_index,
    event_id: common.event_id,
    run: common.run,
    host,
    model,
    prompt_tokens,
    completion_tokens,
    latency_ms,
    price_per_hour_usd,
  }
}
