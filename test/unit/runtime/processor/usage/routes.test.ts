import test from 'ava'
import { MongoClient } from 'mongodb'
import { usageRoutes } from '../../../../../runtime/processor/usage/routes.ts'
import { parseUsageQuery, writeKey } from '../../../../../runtime/processor/usage/usage-query.ts'

const away = () =>
  usageRoutes(new MongoClient('mongodb://127.0.0.1:1', { serverSelectionTimeoutMS: 100 }).db('none'))

async function refusal(query: string): Promise<{ status: number; message: string }> {
  const response = await away().request(`/api/usage?${query}`)
  const { error } = (await response.json()) as { error: { message: string; do: string } }
  return { status: response.status, message: error.message }
}

for (const [query, message] of [
  ['by=colour', /"by" should be one of model, host, gpu, hour, got "colour"/],
  ['from=yesterday', /"from" should be a UTC time such as .*, got "yesterday"/],
  ['to=2026-01-01', /"to" should be a UTC time/],
  ['limit=0', /"limit" should be a whole number from 1 to 1000, got "0"/],
  ['limit=1e3', /"limit" should be a whole number/],
  ['model=x', /"model" is not known; there are from, to, by, limit, after/],
  ['by=host&by=gpu', /"by" should be there once, not 2 times/],
  ['after=!!', /"after" should be as the "next" of the page before has it/],
  [`after=${writeKey([7])}`, /"after" should be .* with the same "by"/],
  ['from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z', /"from" should be before "to"/],
  ['from=2020-01-01T00:00:00Z&to=2026-01-01T00:00:00Z', /"from" should be at most 400 days before "to"/],
] as const) {
  test(`/api/usage?${query} is refused with what is wrong`, async (t) => {
    const { status, message: given } = await refusal(query)

    t.is(status, 400)
    t.regex(given, message)
  })
}

test('all that is wrong with a question is said at once', async (t) => {
  const { message } = await refusal('by=colour&limit=no')

  t.regex(message, /"by" .*; "limit" /)
})

test('without times the question is about the last 24 hours, in whole minutes', (t) => {
  const parsed = parseUsageQuery({}, Date.parse('2026-01-02T03:04:05Z'))

  t.deepEqual(parsed, {
    query: {
      from: Date.parse('2026-01-01T03:05:00Z'),
      to: Date.parse('2026-01-02T03:05:00Z'),
      by: 'model',
      limit: 100,
      after: undefined,
    },
  })
})

test('while the database is away /api/usage says so with 503', async (t) => {
  const response = await away().request('/api/usage')

  t.is(response.status, 503)
  t.like(await response.json(), { error: { code: 'DATABASE_UNAVAILABLE' } })
})
