import test from 'ava'
import { expectedOf, type UsageRecord } from '../../../../playbooks/verify/cost.ts'
import { toRecord, type UsageDocument } from '../../../../playbooks/verify/documents.ts'
import { judgeArrival, judgeCosts } from '../../../../playbooks/verify/judge-batch.ts'
import { percentile } from '../../../../playbooks/verify/percentile.ts'

const start = Date.parse('2026-01-02T03:04:00Z')

const usage = (number: number, fields: Partial<UsageDocument> = {}): UsageDocument => ({
  _id: `event-${number}`,
  ts: new Date(start + number * 1000),
  host: 'vm4',
  gpu_index: 0,
  price_per_hour_usd: 3.6,
  source: { topic: 'token.usage.v1', partition: 3, offset: number },
  prompt_tokens: 800,
  completion_tokens: 200,
  tokens: 1000,
  // After number seconds there are number + 1 events of 1000 tokens.
  tps: ((number + 1) * 1000) / Math.max(1, number),
  cost_per_token: 3.6 / (((number + 1) * 1000) / Math.max(1, number)) / 3600,
  ...fields,
})

const sampleOf = ({ ts, host, gpu_index, price_per_hour_usd, source }: UsageDocument) => ({
  _id: `sample-${source.offset}`,
  ts,
  host,
  gpu_index,
  price_per_hour_usd,
  source: { ...source, topic: 'gpu.metrics.v1' },
})

const batch = (usages: UsageDocument[]) => ({ token_usage: usages, gpu_metrics: usages.map(sampleOf) })

const record = (
  offset: number,
  time: number,
  tokens: number,
  fields: Partial<UsageRecord> = {},
): UsageRecord => ({
  id: `${offset}`,
  partition: 'token.usage.v1:3',
  offset,
  gpu: 'vm4#0',
  time,
  prompt: tokens,
  completion: 0,
  ...fields,
})

test('the cost of a token is the price of an hour over the tokens that the window makes in it', (t) => {
  const stored = [record(0, 0, 1000), record(1, 10_000, 2000)]
  const [, second] = stored
  if (second === undefined) return t.fail()

  const expected = expectedOf(second, stored, 3.6)

  t.deepEqual(expected, { tokens: 2000, tps: 300, costPerToken: 3.6 / (300 * 3600) })
})

test('the window holds what is at most 30 s older, of the same GPU and partition, and came before', (t) => {
  const event = record(5, 40_000, 100)
  const outside = [
    record(0, 9_999, 1),
    record(1, 40_000, 1, { gpu: 'vm4-2#0' }),
    record(2, 40_000, 1, { partition: 'tokens:3' }),
    record(6, 40_000, 1),
    record(3, 40_001, 1),
  ]

  const edge = record(4, 10_000, 500)

  t.is(expectedOf(event, [event, ...outside], 1).tps, 100)
  t.is(expectedOf(event, [event, edge, ...outside], 1).tps, 600 / 30)
})

test('no tokens have no cost', (t) => {
  const event = record(0, 0, 0)

  t.is(expectedOf(event, [event], 1).costPerToken, null)
})

test('a batch that is as recomputed passes', (t) => {
  const documents = batch([usage(0), usage(1), usage(2)])

  t.is(judgeArrival(documents, 3).detail, '3 documents in each collection, none twice')
  t.notThrows(() => judgeCosts(documents, documents.token_usage.map(toRecord)))
})

test('a wrong number of tokens, rate, price or cost is a failure that says both numbers', (t) => {
  const wrong = {
    tokens: /event-1: tokens is 7, should be 1000/,
    tps: /event-1: tps is 7, should be 2000/,
    cost_per_token: /event-1: cost_per_token is 7, should be 5e-7/,
  }

  for (const [field, message] of Object.entries(wrong)) {
    const documents = batch([usage(0), usage(1, { [field]: 7 })])
    t.throws(() => judgeCosts(documents, documents.token_usage.map(toRecord)), { message })
  }
  const documents = batch([usage(0)])
  const [sample] = documents.gpu_metrics
  if (sample !== undefined) sample.price_per_hour_usd = 7
  t.throws(() => judgeCosts(documents, documents.token_usage.map(toRecord)), {
    message: /price_per_hour_usd is 3\.6, should be 7/,
  })
})

test('a document too few, too many or twice is a failure that names the collection', (t) => {
  const whole = batch([usage(0), usage(1)])
  const [first] = whole.gpu_metrics
  if (first === undefined) return t.fail()

  const tooFew = { ...whole, gpu_metrics: [first] }
  const twice = { ...whole, gpu_metrics: [...whole.gpu_metrics, { ...first, _id: 'another' }] }

  t.throws(() => judgeArrival(tooFew, 2), {
    message: /gpu_metrics has 1 documents of the batch, should have 2/,
  })
  t.throws(() => judgeArrival(twice, 2), {
    message: /gpu_metrics has 3 documents.*holds the message gpu\.metrics\.v1:3:0 twice/,
  })
})

test('a percentile is the smallest value that so large a share does not exceed', (t) => {
  const values = [50, 10, 40, 20, 30]

  t.is(percentile(values, 0.5), 30)
  t.is(percentile(values, 0.95), 50)
  t.is(percentile([7], 0.5), 7)
  t.throws(() => percentile([], 0.5), { instanceOf: TypeError })
})
