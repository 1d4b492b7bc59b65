import test from 'ava'
import { month, usageOfMonth } from '../../../bench/usage/month.ts'
import { readUsageOptions } from '../../../bench/usage/options.ts'
import { usageReport } from '../../../bench/usage/report.ts'

test('a month of usage is the same for the same seed, inside the month, of 16 GPUs and five models', (t) => {
  const documents = usageOfMonth({ documents: 50_000, seed: 3 }).toArray()

  t.deepEqual(usageOfMonth({ documents: 50_000, seed: 3 }).take(10).toArray(), documents.slice(0, 10))
  t.is(new Set(documents.map(({ _id }) => _id)).size, 50_000)
  t.is(new Set(documents.map(({ host, gpu_index }) => `${host} ${gpu_index}`)).size, 16)
  t.is(new Set(documents.map(({ model }) => model)).size, 5)
  t.true(documents.every(({ ts }) => ts.getTime() >= month.from && ts.getTime() < month.to))
  t.is(new Set(documents.map(({ ts }) => ts.toISOString().slice(0, 10))).size, 31)
})

test('what is typed is checked before a database is filled', (t) => {
  t.like(readUsageOptions(['--documents', '5000']), { documents: 5000, asks: 50, seed: 1 })
  const said: string[] = []
  t.throws(() => readUsageOptions(['--documents', 'many'], (text) => said.push(text)))
  t.regex(said.join(''), /"many" should be a whole number from 1000 to/)
})

test('the report says of each question whether its median is within the goal', (t) => {
  const timing = { query: {}, firstMs: 200, slowestMs: 150 }
  const report = usageReport({
    command: 'npm run bench:usage',
    options: readUsageOptions([]),
    filled: { events: 10_000_000, tokens: 1, cost: 1, insertSeconds: 100, rollupSeconds: 50 },
    timings: [
      { ...timing, title: 'quick', medianMs: 99.9 },
      { ...timing, title: 'slow', medianMs: 100.1 },
    ],
    mongodb: '6.0.5',
    rollups: new Map([['day', 31]]),
    documentsSeconds: 12,
  })

  t.true(report.includes('| quick | 200.0 ms | 99.9 ms | 150.0 ms | yes |'))
  t.true(report.includes('| slow | 200.0 ms | 100.1 ms | 150.0 ms | no |'))
  t.true(report.includes('10 000 000 documents'))
  t.true(report.includes('100 000 documents/s'))
})
