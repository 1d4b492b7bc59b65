import test from 'ava'
import fc from 'fast-check'
import { costPerToken, tokensPerSecond } from '../../../../runtime/cost.ts'
import {
  type LoadUsage,
  PartitionWindows,
  type UsageEvent,
} from '../../../../runtime/processor/partition-windows.ts'
import { type LoggedUsage, recompute } from '../../../support/usage-reference.ts'

const start = Date.UTC(2026, 0, 2)

const toEvent = ({ id, gpu, time, tokens }: LoggedUsage): UsageEvent => ({
  id,
  gpu,
  message: {
    ts: new Date(time),
    gpu_index: 0,
    model: 'm',
    prompt_tokens: tokens,
    completion_tokens: 0,
    latency_ms: 1,
  },
})

/** Reads from a log what a database would hold that has stored every event once. */
const loadFrom = (log: LoggedUsage[], asked: { count: number }): LoadUsage =>
  async function* ({ beforeOffset, from, to }) {
    asked.count += 1
    const first = (id: string) => log.findIndex((event) => event.id === id)
    yield* log.filter(
      ({ id, time }, offset) => offset < beforeOffset && first(id) === offset && time >= from && time < to,
    )
  }

async function costsOf(
  log: LoggedUsage[],
  { cuts, restarts }: { cuts: number[]; restarts: Set<number> },
): Promise<{ tps: number; cost_per_token: number | null }[]> {
  const asked = { count: 0 }
  let windows = new PartitionWindows(loadFrom(log, asked))
  const costs: { tps: number; cost_per_token: number | null }[] = []
  const edges = [...new Set([0, ...cuts.filter((cut) => cut < log.length), log.length])].sort((a, b) => a - b)
  for (const [place, from] of edges.slice(0, -1).entries()) {
    if (restarts.has(place)) windows = new PartitionWindows(loadFrom(log, asked))
    const to = edges[place + 1] ?? log.length
    const sums = await windows.add(log.slice(from, to).map(toEvent), from, to)
    windows.settle()
    for (const [each, { tokens, spanMs }] of sums.entries()) {
      const tps = tokensPerSecond(tokens, spanMs)
      costs.push({ tps, cost_per_token: costPerToken(log[from + each]?.price ?? 0, tps) })
    }
  }
  return costs
}

const aLog = fc
  .array(
    fc.record({
      gpu: fc.constantFrom('a#0', 'b#0', '#1'),
      // Mostly in order, some late by a little, some by minutes, some from clocks that run ahead.
      step: fc.oneof(
        { weight: 8, arbitrary: fc.integer({ min: 0, max: 4000 }) },
        { weight: 2, arbitrary: fc.integer({ min: -40_000, max: 0 }) },
        { weight: 1, arbitrary: fc.integer({ min: -400_000, max: 400_000 }) },
        { weight: 1, arbitrary: fc.constantFrom(30_000, -30_000, 29_999, 30_001, 60_000) },
      ),
      tokens: fc.integer({ min: 0, max: 2500 }),
      again: fc.integer({ min: 0, max: 30 }),
    }),
    { minLength: 1, maxLength: 120 },
  )
  .map((steps) => {
    let time = start
    const log: LoggedUsage[] = []
    for (const [place, { gpu, step, tokens, again }] of steps.entries()) {
      const earlier = log[again]
      // Some events are sent twice.
      if (again < 3 && earlier !== undefined) {
        log.push(earlier)
        continue
      }
      const at = time + step
      if (Math.abs(step) <= 4000) time = at
      log.push({ id: `event-${place}`, gpu, time: at, tokens, price: 0.85 })
    }
    return log
  })

test('every cost is what the formula gives, however the log is cut into batches and whenever we restart', async (t) => {
  const cases = fc.record({
    log: aLog,
    cuts: fc.array(fc.integer({ min: 1, max: 119 }), { maxLength: 30 }),
    restarts: fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 5 }),
  })
  await fc.assert(
    fc.asyncProperty(cases, async ({ log, cuts, restarts }) => {
      t.deepEqual(await costsOf(log, { cuts, restarts: new Set(restarts) }), recompute(log))
    }),
    { numRuns: 1000 },
  )
})

test('a stream in order asks the database once after a start, however long it goes on', async (t) => {
  const asked = { count: 0 }
  const windows = new PartitionWindows(async function* () {
    asked.count += 1
    yield* []
  })
  for (let batch = 0; batch < 100; batch += 1) {
    const first = 1000 + batch * 10
    const events = Array.from({ length: 10 }, (_, each) =>
      toEvent({
        id: `${first + each}`,
        gpu: 'a#0',
        time: start + (first + each) * 1000,
        tokens: 1,
        price: 1,
      }),
    )
    await windows.add(events, first, first + 10)
    windows.settle()
  }

  t.is(asked.count, 1)
})

test('a batch that comes again is counted once', async (t) => {
  const log: LoggedUsage[] = [1, 2, 3].map((each) => ({
    id: `${each}`,
    gpu: 'a#0',
    time: start + each * 1000,
    tokens: 100,
    price: 1,
  }))
  const windows = new PartitionWindows(loadFrom(log, { count: 0 }))
  await windows.add(log.map(toEvent), 0, 3)
  windows.abandon()

  const sums = await windows.add(log.map(toEvent), 0, 3)

  t.deepEqual(
    sums.map(({ tokens }) => tokens),
    [100, 200, 300],
  )
})

test('an error of the database leaves nothing counted', async (t) => {
  let broken = true
  const windows = new PartitionWindows(async function* () {
    if (broken) throw new Error('not there')
    yield* []
  })
  const event = toEvent({ id: '7', gpu: 'a#0', time: start, tokens: 100, price: 1 })
  await t.throwsAsync(windows.add([event], 7, 8))
  broken = false

  const sums = await windows.add([event], 7, 8)

  t.deepEqual(sums, [{ tokens: 100, spanMs: 0 }])
})
