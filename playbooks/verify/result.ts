import * as v from 'valibot'

const Milliseconds = v.pipe(v.number(), v.minValue(0))
const Count = v.pipe(v.number(), v.integer(), v.minValue(0))

/** What a host said that may explain a failure, and the command that shows more of it. */
export const Evidence = v.strictObject({
  host: v.string(),
  command: v.pipe(v.string(), v.description('to be typed on that host')),
  lines: v.pipe(v.array(v.string()), v.description('the last lines that it prints')),
})
export type Evidence = v.InferOutput<typeof Evidence>

/** One thing that was looked at. */
export const CheckResult = v.strictObject({
  name: v.string(),
  host: v.pipe(v.optional(v.string()), v.description('left out for what concerns the whole pipeline')),
  status: v.picklist(['passed', 'failed', 'skipped']),
  detail: v.pipe(v.string(), v.description('what was found, or why it failed or was skipped')),
  advice: v.pipe(v.optional(v.string()), v.description('one thing to do about a failure')),
  look: v.pipe(v.array(Evidence), v.description('what to look at')),
  lacks: v.pipe(
    v.optional(v.array(v.picklist(['kafka', 'mongodb']))),
    v.description('parts of the pipeline that did not answer there, and nothing else was wrong'),
  ),
  because: v.pipe(
    v.optional(v.array(v.string())),
    v.description('failed checks that explain this failure, by name and host; known at the end'),
  ),
  durationMs: Milliseconds,
})
export type CheckResult = v.InferOutput<typeof CheckResult>

/** What a check is called among those of all hosts. */
export const titleOf = ({ name, host }: Pick<CheckResult, 'name' | 'host'>): string =>
  host === undefined ? name : `${name} on ${host}`

export const CollectionCounts = v.strictObject({
  collection: v.string(),
  before: v.pipe(Count, v.description('documents of the whole collection before the batch')),
  after: Count,
  marked: v.pipe(Count, v.description('documents of the batch')),
  expected: v.pipe(Count, v.description('how many of them there should be')),
})
export type CollectionCounts = v.InferOutput<typeof CollectionCounts>

export const Latency = v.strictObject({
  documents: Count,
  p50Ms: Milliseconds,
  p95Ms: Milliseconds,
  longestMs: Milliseconds,
  resolutionMs: v.pipe(Milliseconds, v.description('each value may be up to this much too high')),
})
export type Latency = v.InferOutput<typeof Latency>

export const verdicts = ['open', 'refused', 'timeout', 'unreachable'] as const

/** One connection that was tried. */
export const Attempt = v.strictObject({
  from: v.pipe(v.string(), v.description('a host, or "controller"')),
  to: v.string(),
  address: v.string(),
  port: v.number(),
  allowed: v.pipe(v.boolean(), v.description('whether the policy lets it through')),
  got: v.pipe(
    v.picklist(verdicts),
    v.description('open and refused got through the firewall; refused found nothing that listens'),
  ),
})
export type Attempt = v.InferOutput<typeof Attempt>

export const VerifyResult = v.strictObject({
  status: v.pipe(
    v.picklist(['passed', 'failed', 'stopped']),
    v.description('passed: nothing failed; what was skipped is in the checks'),
  ),
  inventory: v.string(),
  checks: v.array(CheckResult),
  counts: v.array(CollectionCounts),
  latency: v.optional(Latency),
  matrix: v.array(Attempt),
  durationMs: Milliseconds,
})
export type VerifyResult = v.InferOutput<typeof VerifyResult>

/** What `verify-e2e --json` prints: one document of this form a line, the last one being `verify-ended`. */
export const VerifyDocument = v.variant('type', [
  v.strictObject({ type: v.literal('check-ended'), check: CheckResult }),
  v.strictObject({ type: v.literal('verify-ended'), result: VerifyResult }),
])
export type VerifyDocument = v.InferOutput<typeof VerifyDocument>
