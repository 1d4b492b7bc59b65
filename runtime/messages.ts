import * as v from 'valibot'
import { parseTimestamp, years } from './timestamp.ts'

/** The longest texts and largest counts that a message may carry. */
export const limits = {
  name: 256,
  model: 256,
  host: 253,
  eventId: 128,
  run: 128,
  gpuIndex: 65_535,
  tokens: 100_000_000,
} as const

const text = (longest: number) =>
  v.pipe(
    v.string(),
    v.minLength(1),
    v.maxLength(longest, `should be a text of at most ${longest} characters`),
    v.check((written) => written.isWellFormed(), 'should be well-formed Unicode'),
  )

// JSON has no Infinity, but 1e999 is read as one.
const amount = v.pipe(v.number(), v.finite(), v.minValue(0))
const count = (largest: number) => v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(largest))

/** RFC 3339 in UTC, with `Z`, in this century; read as a `Date`. */
const Timestamp = v.pipe(
  v.string(),
  v.check(
    (written) => parseTimestamp(written) !== undefined,
    `should be a UTC time such as 2026-01-02T03:04:05.678Z, from ${years.first} to ${years.last}`,
  ),
  v.transform((written) => new Date(parseTimestamp(written) ?? Number.NaN)),
)

const common = {
  ts: Timestamp,
  gpu_index: count(limits.gpuIndex),
  /** Unique per event; it becomes the document's `_id`, so that the same event sent twice is stored once. */
  event_id: v.optional(text(limits.eventId)),
  /** A mark that a run of the producer puts on all it sends, to be counted by. */
  run: v.optional(text(limits.run)),
}

/** What is sent to `gpu.metrics.v1`: one sample of one GPU. Fields that are not known are left out. */
export const GpuSample = v.object({
  ...common,
  host: text(limits.host),
  name: text(limits.name),
  utilization: v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
  mem_used_mb: amount,
  mem_total_mb: amount,
  power_w: amount,
  price_per_hour_usd: amount,
})
export type GpuSample = v.InferOutput<typeof GpuSample>

/** What is sent to `token.usage.v1`: one answer of a model. Fields that are not known are left out. */
export const TokenUsage = v.object({
  ...common,
  host: v.optional(text(limits.host)),
  model: text(limits.model),
  prompt_tokens: count(limits.tokens),
  completion_tokens: count(limits.tokens),
  latency_ms: amount,
  /** The price of the GPU as its producer knew it: with it the cost needs no look at another topic. */
  price_per_hour_usd: v.optional(amount),
})
export type TokenUsage = v.InferOutput<typeof TokenUsage>
