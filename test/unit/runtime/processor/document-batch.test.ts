import test from 'ava'
import fc from 'fast-check'
import { BSON } from 'mongodb'
import { DocumentBatch } from '../../../../runtime/processor/document-batch.ts'
import type { GpuDocument, UsageDocument } from '../../../../runtime/processor/documents.ts'

const text = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 300 }),
  fc.string({ minLength: 1, maxLength: 40 }),
  fc.constantFrom('a\0b', '__proto__', '$where', 'é', '€'.repeat(100), '😀'),
)
const time = fc.date({
  min: new Date('1900-01-01T00:00:00Z'),
  max: new Date('2099-12-31T23:59:59Z'),
  noInvalidDate: true,
})
const number = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.maxSafeInteger(),
  fc.constantFrom(0, -0, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1, Number.POSITIVE_INFINITY, 0.1),
)
const source = fc.record({ topic: text, partition: fc.nat(), offset: number })

const sample: fc.Arbitrary<GpuDocument> = fc.record(
  {
    ...{ _id: text, ts: time, host: text, gpu_index: number, name: text, utilization: number },
    ...{ mem_used_mb: number, mem_total_mb: number, power_w: number, price_per_hour_usd: number },
    ...{ source, run: text },
  },
  {
    requiredKeys: [
      ...(['_id', 'ts', 'host', 'gpu_index', 'name', 'utilization'] as const),
      ...(['mem_used_mb', 'mem_total_mb', 'power_w', 'price_per_hour_usd', 'source'] as const),
    ],
    noNullPrototype: true,
  },
)

const usage: fc.Arbitrary<UsageDocument> = fc.record(
  {
    ...{ _id: text, ts: time, model: text, prompt_tokens: number, completion_tokens: number },
    ...{ latency_ms: number, gpu_index: number, tokens: number, tps: number },
    ...{ cost_per_token: fc.option(number), price_per_hour_usd: number, source, host: text, run: text },
  },
  {
    requiredKeys: [
      ...(['_id', 'ts', 'model', 'prompt_tokens', 'completion_tokens', 'latency_ms', 'gpu_index'] as const),
      ...(['tokens', 'tps', 'cost_per_token', 'price_per_hour_usd', 'source'] as const),
    ],
    noNullPrototype: true,
  },
)

const asTheDriver = (documents: object[]) => Buffer.concat(documents.map((each) => BSON.serialize(each)))

test('samples become the bytes that the driver makes of them', (t) => {
  fc.assert(
    fc.property(fc.array(sample, { maxLength: 20 }), (documents) => {
      const batch = new DocumentBatch('gpu')
      for (const document of documents) batch.addSample(document)
      const same = asTheDriver(documents).equals(batch.bytes)
      batch.release()
      return same && batch.length === documents.length
    }),
    { numRuns: 2000 },
  )
  t.pass()
})

test('usage becomes the bytes that the driver makes of it', (t) => {
  fc.assert(
    fc.property(fc.array(usage, { maxLength: 20 }), (documents) => {
      const batch = new DocumentBatch('usage')
      for (const document of documents) batch.addUsage(document)
      const same = asTheDriver(documents).equals(batch.bytes)
      batch.release()
      return same
    }),
    { numRuns: 2000 },
  )
  t.pass()
})

test('a batch grows as far as its documents need', (t) => {
  const [document] = fc.sample(usage, { numRuns: 1, seed: 1 })
  if (document === undefined) return t.fail()
  const large = { ...document, model: 'm'.repeat(250), run: '€'.repeat(128) }
  const batch = new DocumentBatch('usage')
  for (let count = 0; count < 5000; count += 1) batch.addUsage(large)

  t.is(batch.bytes.length, BSON.serialize(large).length * 5000)
  t.deepEqual(
    BSON.deserialize(batch.bytes.subarray(-BSON.serialize(large).length)),
    BSON.deserialize(BSON.serialize(large)),
  )
})

test('a batch that was released has no bytes any more', (t) => {
  const batch = new DocumentBatch('gpu')
  batch.release()
  batch.release()

  t.throws(() => batch.bytes, { instanceOf: TypeError })
})
