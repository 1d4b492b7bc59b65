import { setTimeout as sleep } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { pino } from 'pino'
import { DocumentBatch } from '../../../runtime/processor/document-batch.ts'
import type { UsageDocument } from '../../../runtime/processor/documents.ts'
import { ProcessorMetrics } from '../../../runtime/processor/metrics.ts'
import { Store } from '../../../runtime/processor/store.ts'
import { openApi } from '../../../runtime/processor/usage/openapi.ts'
import { Retention } from '../../../runtime/processor/usage/retention.ts'
import { RollupKeeper } from '../../../runtime/processor/usage/rollup-keeper.ts'
import { rollupPipeline } from '../../../runtime/processor/usage/rollup-kinds.ts'
import { usageRoutes } from '../../../runtime/processor/usage/routes.ts'
import type { UsageQuery } from '../../../runtime/processor/usage/usage-query.ts'
import { pagePipeline, type UsageReport } from '../../../runtime/processor/usage/usage-report.ts'
import { cutIntoBuckets } from '../../../runtime/processor/usage/widths.ts'
import { type Ground, layPipeline, prepareGround } from '../../support/pipeline.ts'
import { answerOf, eventually } from '../../support/programs.ts'
import { addUp, usageDocuments } from '../../support/usage-documents.ts'

let ground: Ground

test.before(async () => {
  ground = await prepareGround()
})

test.after.always(async () => {
  await ground?.remove()
})

const day = { from: Date.parse('2026-01-01T00:00:00Z'), to: Date.parse('2026-01-04T00:00:00Z') }
const never = new AbortController().signal
const log = pino({ level: 'silent' })
let databases = 0

/** A store with a database of its own, and what keeps its roll-ups. */
async function openStore(t: ExecutionContext, name = `usage${Date.now()}${databases++}`) {
  const metrics = new ProcessorMetrics()
  const store = new Store(ground.services.mongodbUri.replace(/\/ca0$/, `/${name}`), metrics)
  await store.ping()
  await store.makeIndexes()
  t.teardown(() => store.close())
  const keeper = new RollupKeeper(store.side, store.marks, { metrics, log })
  const insert = async (documents: UsageDocument[]) => {
    for (let from = 0; from < documents.length; from += 1000) {
      const batch = new DocumentBatch('usage')
      for (const document of documents.slice(from, from + 1000)) batch.addUsage(document)
      await store.insert(batch)
      batch.release()
    }
  }
  return { name, store, keeper, insert, metrics }
}

const timesOf = (documents: UsageDocument[]): number[] => documents.map(({ ts }) => ts.getTime())

type Query = Record<string, string>
type Answer = Omit<UsageReport, 'next'> & { next: string | null }

async function ask({ store }: { store: Store }, query: Query | string): Promise<Answer> {
  const address = typeof query === 'string' ? query : `/api/usage?${new URLSearchParams(query)}`
  const response = await usageRoutes(store.side).request(address)
  if (response.status !== 200) throw new Error(await response.text())
  return (await response.json()) as Answer
}

const inDay = { from: new Date(day.from).toISOString(), to: new Date(day.to).toISOString() }

test('the sums are those of the documents, to the last digit of money, in total and by each grouping', async (t) => {
  const opened = await openStore(t)
  const documents = usageDocuments(5000, { seed: 1, ...day })
  await opened.keeper.prepare()
  await opened.insert(documents)
  await opened.keeper.catchUp(never)

  for (const [by, keyOf] of [
    ['model', ({ model }: UsageDocument) => model],
    ['host', ({ host }: UsageDocument) => host ?? 'none'],
    ['gpu', ({ host, gpu_index }: UsageDocument) => `${host ?? 'none'} ${gpu_index}`],
    ['hour', ({ ts }: UsageDocument) => `${ts.toISOString().slice(0, 13)}:00:00.000Z`],
  ] as const) {
    const answer = await ask(opened, { ...inDay, by })
    t.true(answer.complete)
    t.like(answer.total, addUp(documents))
    const expected = Map.groupBy(documents, keyOf)
    t.is(answer.rows.length, expected.size)
    for (const row of answer.rows) {
      const key = [
        'model' in row ? row.model : 'hour' in row ? row.hour : (row.host ?? 'none'),
        ...('gpu_index' in row ? [row.gpu_index] : []),
      ].join(' ')
      t.like(row, addUp(expected.get(key) ?? []))
    }
  }
})

test('any range of minutes has the sums of its documents', async (t) => {
  const opened = await openStore(t)
  const documents = usageDocuments(5000, { seed: 2, ...day })
  await opened.keeper.prepare()
  await opened.insert(documents)
  await opened.keeper.catchUp(never)

  for (const [from, to] of [
    ['2026-01-01T00:01:00Z', '2026-01-03T23:59:00Z'],
    ['2026-01-01T23:58:00Z', '2026-01-02T00:03:00Z'],
    ['2026-01-02T10:10:10Z', '2026-01-02T10:49:30Z'],
    ['2025-12-01T00:00:00Z', '2026-01-02T13:37:00Z'],
  ] as const) {
    const answer = await ask(opened, { from, to })
    const inside = documents.filter(
      ({ ts }) => ts.getTime() >= Date.parse(answer.from) && ts.getTime() < Date.parse(answer.to),
    )
    t.like(answer.total, addUp(inside))
    t.is(
      answer.total.tokens_per_second,
      answer.total.tokens / ((Date.parse(answer.to) - Date.parse(answer.from)) / 1000),
    )
  }
})

test('pages hold every row once, whatever they are grouped by', async (t) => {
  const opened = await openStore(t)
  await opened.keeper.prepare()
  await opened.insert(usageDocuments(2000, { seed: 3, ...day }))
  await opened.keeper.catchUp(never)

  for (const by of ['model', 'host', 'gpu', 'hour']) {
    const whole = await ask(opened, { ...inDay, by })
    const rows: Answer['rows'] = []
    let next: string | null = `/api/usage?${new URLSearchParams({ ...inDay, by, limit: '3' })}`
    while (next !== null) {
      const page: Answer = await ask(opened, next)
      t.true(page.rows.length <= 3)
      t.deepEqual(page.total, whole.total)
      rows.push(...page.rows)
      next = page.next
    }
    t.deepEqual(rows, whole.rows)
  }
})

test('summing up again, the same documents again, and two that sum up at once change nothing', async (t) => {
  const one = await openStore(t)
  const other = await openStore(t, one.name)
  const documents = usageDocuments(4000, { seed: 4, ...day })
  await one.keeper.prepare()
  const work = async ({ keeper, insert }: typeof one, some: UsageDocument[]) => {
    for (let from = 0; from < some.length; from += 500) {
      await insert(some.slice(from, from + 500))
      await keeper.catchUp(never)
    }
  }
  await Promise.all([work(one, documents.slice(0, 2500)), work(other, documents.slice(1500).reverse())])

  const answer = await ask(one, inDay)

  t.true(answer.complete)
  t.like(answer.total, addUp(documents))
})

test('documents whose processor ended before it summed them up are in the sums of the next one', async (t) => {
  const ended = await openStore(t)
  const documents = usageDocuments(500, { seed: 5, ...day })
  await ended.keeper.prepare()
  await ended.insert(documents)
  const before = await ask(ended, inDay)

  const next = await openStore(t, ended.name)
  await next.keeper.prepare()
  await next.keeper.catchUp(never)

  t.false(before.complete)
  t.like((await ask(next, inDay)).total, addUp(documents))
})

test('documents from before there were roll-ups are in the sums', async (t) => {
  const opened = await openStore(t)
  const documents = usageDocuments(500, { seed: 6, ...day })
  await opened.store.tokenUsage.insertMany(documents)

  await opened.keeper.prepare()
  await opened.keeper.catchUp(never)

  const answer = await ask(opened, inDay)
  t.true(answer.complete)
  t.like(answer.total, addUp(documents))
})

test('summing up waits for the writes that are under way', async (t) => {
  const opened = await openStore(t)
  const documents = usageDocuments(100, { seed: 7, ...day })
  await opened.keeper.prepare()
  const gate = Promise.withResolvers<void>()
  const write = opened.store.marks.during('usage', timesOf(documents), async () => {
    await gate.promise
    await opened.store.tokenUsage.insertMany(documents)
  })
  let done = false
  const summedUp = opened.keeper.catchUp(never).then(() => {
    done = true
  })
  await sleep(500)
  t.false(done)
  gate.resolve()
  await Promise.all([write, summedUp])

  const answer = await ask(opened, inDay)
  t.true(answer.complete)
  t.like(answer.total, addUp(documents))
})

test('a write that failed and is repeated is in the sums', async (t) => {
  const opened = await openStore(t)
  const documents = usageDocuments(100, { seed: 13, ...day })
  await opened.keeper.prepare()
  const failed = opened.store.marks.during('usage', timesOf(documents), async () => {
    throw new Error('the connection is lost')
  })
  await t.throwsAsync(failed)
  await opened.keeper.catchUp(never)
  await opened.insert(documents)
  await opened.keeper.catchUp(never)

  t.like((await ask(opened, inDay)).total, addUp(documents))
})

test('a database that goes away while marks are looked for leaves none behind', async (t) => {
  const opened = await openStore(t)
  const documents = usageDocuments(100, { seed: 17, ...day })
  await opened.keeper.prepare()
  await opened.insert(documents)
  const { marks } = opened.store
  const ofOthers = marks.ofOthers.bind(marks)
  marks.ofOthers = () => Promise.reject(new Error('the connection is lost'))
  await t.throwsAsync(opened.keeper.catchUp(never), { message: 'the connection is lost' })
  marks.ofOthers = ofOthers
  await opened.keeper.catchUp(never)

  const answer = await ask(opened, inDay)
  t.true(answer.complete)
  t.like(answer.total, addUp(documents))
})

test('what is past its retention is deleted once it is summed up, and the sums stay', async (t) => {
  const opened = await openStore(t)
  const documents = usageDocuments(3000, { seed: 8, ...day })
  const now = day.to + 86_400_000
  const retention = new Retention(opened.store.side, opened.store.marks, 2)
  await opened.keeper.prepare()
  await opened.insert(documents)

  const tooEarly = await retention.expire(never, now)
  await opened.keeper.catchUp(never)
  const deleted = await retention.expire(never, now)

  t.is(tooEarly, 0)
  t.is(deleted, documents.filter(({ ts }) => ts.getTime() < now - 2 * 86_400_000).length)
  t.is(await opened.store.tokenUsage.countDocuments(), documents.length - deleted)
  t.like((await ask(opened, inDay)).total, addUp(documents))
  // A replay brings back what was deleted, piece by piece.
  await opened.insert(documents.slice(0, 1000))
  await opened.keeper.catchUp(never)
  t.like((await ask(opened, inDay)).total, addUp(documents))
})

test('what arrives older than the retention changes no sum that stays for ever', async (t) => {
  const opened = await openStore(t)
  const documents = usageDocuments(400, { seed: 14, ...day })
  const now = day.to + 86_400_000
  const retention = new Retention(opened.store.side, opened.store.marks, 2)
  await opened.keeper.prepare()
  await opened.insert(documents)
  await opened.keeper.catchUp(never)
  await retention.expire(never, now)
  const before = await ask(opened, { ...inDay, by: 'hour' })

  // As many as an hour had, and more, of models that it had and had not.
  const late = usageDocuments(2000, { seed: 15, from: day.from, to: now - 2 * 86_400_000 - 3_600_000 })
  const anotherModel = late.map((document) => ({ ...document, _id: `${document._id}-b`, model: 'another' }))
  await opened.insert([...late, ...anotherModel])
  await opened.keeper.catchUp(never)

  t.deepEqual(await ask(opened, { ...inDay, by: 'hour' }), before)
  t.like(before.total, addUp(documents))
  t.is(await retention.expire(never, now), 4000)
  t.deepEqual(await ask(opened, { ...inDay, by: 'hour' }), before)
})

test('sums that are doubted are made anew, whether they are too high or too low, and those of what was deleted stay', async (t) => {
  const opened = await openStore(t)
  const documents = usageDocuments(1000, { seed: 16, ...day })
  await opened.keeper.prepare()
  await opened.insert(documents)
  await opened.keeper.catchUp(never)
  // In the middle of a day, so that the day has hours of both.
  await new Retention(opened.store.side, opened.store.marks, 1).expire(never, day.to - 12 * 3_600_000)
  const right = await ask(opened, { ...inDay, by: 'hour' })
  const rollups = opened.store.side.collection('usage_rollups')
  const kept = { at: { $gte: new Date(day.to - 36 * 3_600_000) } }
  await rollups.updateMany({ ...kept, model: 'mistral-large' }, { $mul: { count: 3, tokens: 3 } })
  await rollups.deleteMany({ ...kept, model: 'qwen-2.5' })
  for (const roll of await rollups.find({ ...kept, model: 'llama-3-70b' }).toArray()) {
    const _id = { ...(roll._id as object), model: 'nobody' }
    await rollups.insertOne({ ...roll, _id, model: 'nobody' } as never)
  }
  t.notDeepEqual(await ask(opened, { ...inDay, by: 'hour' }), right)

  await opened.store.side.collection<{ _id: string }>('rollup_state').deleteOne({ _id: 'began' })
  await opened.keeper.prepare()
  await opened.keeper.catchUp(never)
  const after = await openStore(t, opened.name)
  await after.keeper.catchUp(never)

  t.deepEqual(await ask(opened, { ...inDay, by: 'hour' }), right)
  t.like(right.total, addUp(documents))
})

test('a range in what was deleted is answered for whole hours, and says so', async (t) => {
  const opened = await openStore(t)
  const documents = usageDocuments(1000, { seed: 9, ...day })
  await opened.keeper.prepare()
  await opened.insert(documents)
  await opened.keeper.catchUp(never)
  await new Retention(opened.store.side, opened.store.marks, 1).expire(never, day.to)

  const answer = await ask(opened, { from: '2026-01-01T10:20:00Z', to: '2026-01-01T12:40:00Z' })

  t.is(answer.from, '2026-01-01T10:00:00.000Z')
  t.is(answer.to, '2026-01-01T13:00:00.000Z')
  const inside = documents.filter(
    ({ ts }) => ts.getTime() >= Date.parse(answer.from) && ts.getTime() < Date.parse(answer.to),
  )
  t.like(answer.total, addUp(inside))
})

test('an answer looks only at the roll-ups that it sums up, by their index', async (t) => {
  const opened = await openStore(t)
  await opened.keeper.prepare()
  await opened.insert(usageDocuments(5000, { seed: 10, ...day }))
  await opened.keeper.catchUp(never)
  const query: UsageQuery = {
    from: day.from + 61 * 60_000,
    to: day.to - 60_000,
    by: 'gpu',
    limit: 10,
    after: undefined,
  }
  const buckets = cutIntoBuckets(query)

  const plan = JSON.stringify(
    await opened.store.side
      .collection('usage_rollups')
      .aggregate(pagePipeline('gpu', query, buckets), { hint: { width: 1, at: 1 } })
      .explain('executionStats'),
  )
  const summedUp = await opened.store.side.collection('usage_rollups').countDocuments({
    $or: buckets.map(({ width, from, to }) => ({ width, at: { $gte: new Date(from), $lt: new Date(to) } })),
  })

  t.true(plan.includes('"IXSCAN"'))
  t.false(plan.includes('COLLSCAN'))
  const examined = [...plan.matchAll(/"totalDocsExamined":(\d+)/g)].map(([, number]) => Number(number))
  t.is(Math.max(...examined), summedUp)
})

test('roll-ups are made of the documents of their time only, by the index on it', async (t) => {
  const opened = await openStore(t)
  const documents = usageDocuments(3000, { seed: 11, ...day })
  await opened.insert(documents)
  const span = { from: day.from, to: day.from + 3_600_000 }
  const [match, group] = rollupPipeline('usage', {
    width: '10s',
    source: undefined,
    stretches: [span],
    turn: 1,
  })

  const plan = JSON.stringify(
    await opened.store.tokenUsage
      .aggregate([match ?? {}, group ?? {}], { hint: { ts: 1 } })
      .explain('executionStats'),
  )

  t.false(plan.includes('COLLSCAN'))
  const inside = documents.filter(({ ts }) => ts.getTime() >= span.from && ts.getTime() < span.to).length
  t.true(plan.includes(`"totalDocsExamined":${inside}`))
})

test('the answer has the fields that the OpenAPI document says, and no others', async (t) => {
  const opened = await openStore(t)
  await opened.keeper.prepare()
  await opened.insert(usageDocuments(50, { seed: 12, ...day }))
  await opened.keeper.catchUp(never)
  const { Usage } = openApi.components.schemas

  for (const by of openApi.paths['/api/usage'].get.parameters[2].schema.enum) {
    const answer = await ask(opened, { ...inDay, by })
    t.deepEqual(Object.keys(answer).sort(), [...Usage.required].sort())
    for (const row of [answer.total, ...answer.rows]) {
      for (const [name, value] of Object.entries(row)) {
        const property = (
          Usage.properties.rows.items.properties as Record<string, { type: string | readonly string[] }>
        )[name]
        const type = value === null ? 'null' : typeof value
        const allowed = [property?.type ?? 'nothing'].flat()
        t.true(
          allowed.includes(type) || (type === 'number' && allowed.includes('integer')),
          `${name}: ${type}`,
        )
      }
    }
  }
})

test.serial(
  'a processor killed in mid-stream and started over from the first message counts nothing twice',
  async (t) => {
    const pipeline = await layPipeline(t, ground)
    let processor = pipeline.startProcessor()
    await pipeline.ready()
    const producer = pipeline.startProducer({ words: ['--follow'], environment: { SLEEP_SEC: '0.005' } })
    for (let kill = 0; kill < 2; kill += 1) {
      await sleep(2500)
      processor.kill('SIGKILL')
      await processor.ended
      processor = pipeline.startProcessor(kill === 1 ? { CONSUMER_GROUP: `again${Date.now()}` } : {})
      await pipeline.ready()
    }
    producer.kill('SIGTERM')
    const { stdout } = await producer.ended
    const sent = JSON.parse(stdout).acknowledged[pipeline.topics.token]

    let answer: Answer | undefined
    // What a killed processor marked counts as not complete for a while longer, though it is summed up at once.
    await eventually('all is summed up', async () => {
      const got = await answerOf(`${pipeline.url}/api/usage?by=gpu`)
      if (got?.status !== 200) return false
      const report: Answer = JSON.parse(got.body)
      answer = report
      return report.total.events >= sent
    })

    const documents = (await pipeline.documents('token_usage')) as unknown as UsageDocument[]
    t.is(documents.length, sent)
    t.like(answer?.total, addUp(documents))
  },
)
