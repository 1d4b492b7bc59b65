import test from 'ava'
import fc from 'fast-check'
import * as v from 'valibot'
import { decodeGpuSample, decodeTokenUsage, parseFields, Rejection } from '../../../runtime/decode.ts'
import { GpuSample, TokenUsage } from '../../../runtime/messages.ts'

const sample = {
  ts: '2026-01-02T03:04:05.678Z',
  host: 'gpu-1',
  gpu_index: 0,
  name: 'A100 40GB',
  utilization: 0.5,
  mem_used_mb: 12_000,
  mem_total_mb: 40_960,
  power_w: 210,
  price_per_hour_usd: 3.2,
}
const usage = {
  ts: '2026-01-02T03:04:05.678Z',
  model: 'llama-3-70b',
  prompt_tokens: 256,
  completion_tokens: 64,
  latency_ms: 100,
  gpu_index: 0,
}

/** Values that are right for some field and wrong for others, and some that are right for none. */
const anyValue = fc.oneof(
  fc.constantFrom<unknown>(
    undefined,
    null,
    true,
    '',
    'a',
    '\ud800',
    'x'.repeat(128),
    'x'.repeat(129),
    'x'.repeat(300),
    '2026-01-02T03:04:05Z',
    '1970-01-01T00:00:00Z',
    '2170-01-01T00:00:00Z',
    0,
    -0,
    1,
    -1,
    0.5,
    1.01,
    65_535,
    65_536,
    100_000_001,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.MAX_SAFE_INTEGER,
    [],
    {},
  ),
  fc.double(),
  fc.integer(),
  fc.string(),
)

const mutated = (valid: Record<string, unknown>) =>
  fc
    .dictionary(
      fc.constantFrom(
        ...Object.keys(valid),
        'host',
        'event_id',
        'run',
        'price_per_hour_usd',
        '__proto__',
        'a.b',
        '$c',
      ),
      anyValue,
      { maxKeys: 3 },
    )
    .map((changes) => ({ ...valid, ...changes }))

test('the fast reader of samples and the schema agree on every message', (t) => {
  const agree = (fields: Record<string, unknown>) => {
    const bySchema = v.safeParse(GpuSample, fields)
    const byHand = decodeGpuSample(fields)
    t.is(!(byHand instanceof Rejection), bySchema.success, JSON.stringify(fields))
    if (bySchema.success) t.deepEqual(withoutUndefined(byHand), withoutUndefined(bySchema.output))
  }
  fc.assert(fc.property(mutated(sample), agree), { numRuns: 5000 })
})

test('the fast reader of usage and the schema agree on every message', (t) => {
  const agree = (fields: Record<string, unknown>) => {
    const bySchema = v.safeParse(TokenUsage, fields)
    const byHand = decodeTokenUsage(fields)
    t.is(!(byHand instanceof Rejection), bySchema.success, JSON.stringify(fields))
    if (bySchema.success) t.deepEqual(withoutUndefined(byHand), withoutUndefined(bySchema.output))
  }
  fc.assert(fc.property(mutated(usage), agree), { numRuns: 5000 })
})

function withoutUndefined<Message extends object>(message: Message): Message {
  return Object.fromEntries(Object.entries(message).filter(([, value]) => value !== undefined)) as Message
}

test('a rejection names the field, what it should be and what it is', (t) => {
  t.deepEqual(
    decodeTokenUsage({ ...usage, prompt_tokens: -1 }),
    new Rejection('prompt_tokens should be a whole number, got -1'),
  )
  t.deepEqual(decodeGpuSample({ ...sample, host: undefined }), new Rejection('host is missing'))
})

test('what is not a JSON object in UTF-8 is rejected with its reason', (t) => {
  const reasonOf = (bytes: Buffer | null) => {
    const parsed = parseFields(bytes)
    return parsed instanceof Rejection ? parsed.reason : undefined
  }

  t.is(reasonOf(null), 'the message is empty')
  t.is(reasonOf(Buffer.alloc(0)), 'the message is empty')
  t.is(reasonOf(Buffer.from([0x22, 0xff, 0xfe, 0x22])), 'the message is not UTF-8')
  t.regex(reasonOf(Buffer.from('{"ts":')) ?? '', /^the message is not JSON: /)
  t.is(reasonOf(Buffer.from('[1]')), 'the message should be a JSON object, got [1]')
  t.is(reasonOf(Buffer.from('null')), 'the message should be a JSON object, got null')
  t.is(reasonOf(Buffer.from('{}')), undefined)
})

test('a field named __proto__ lends nothing to a message', (t) => {
  const parsed = parseFields(Buffer.from(`{"__proto__": ${JSON.stringify(usage)}}`))

  t.false(parsed instanceof Rejection)
  if (!(parsed instanceof Rejection)) t.true(decodeTokenUsage(parsed) instanceof Rejection)
})

test('fields that are not known are left out', (t) => {
  const decoded = decodeTokenUsage({ ...usage, 'a.b': 1, $where: 'x' })

  t.deepEqual(Object.keys(withoutUndefined(decoded)).sort(), Object.keys(usage).sort())
})
