import test from 'ava'
import { sendTo } from '../../support/kafka-log.ts'
import { type Ground, layPipeline, type Pipeline, prepareGround } from '../../support/pipeline.ts'
import { answerOf, eventually } from '../../support/programs.ts'

let ground: Ground

test.before(async () => {
  ground = await prepareGround()
})

test.after.always(async () => {
  await ground?.remove()
})

const gpu = { host: 'gpu-1', gpu_index: 2 }
const begin = Date.now() - 600_000
const at = (seconds: number) => new Date(begin + seconds * 1000).toISOString()

const sample = (seconds: number, price: number) =>
  JSON.stringify({
    ...{
      ts: at(seconds),
      ...gpu,
      name: 'A100',
      utilization: 0.5,
      mem_used_mb: 1,
      mem_total_mb: 2,
      power_w: 3,
    },
    price_per_hour_usd: price,
  })

const usage = (seconds: number) =>
  JSON.stringify({
    ...{ ts: at(seconds), ...gpu, model: 'm', prompt_tokens: 600, completion_tokens: 400, latency_ms: 1 },
  })

/** Sends messages to a partition, and waits until there are as many documents as that makes. */
async function store(
  pipeline: Pipeline,
  { of, values, until }: { of: 'metric' | 'token'; values: string[]; until: number },
): Promise<void> {
  const partition = of === 'metric' ? 0 : 5
  await sendTo(ground.services.bootstrap, { topic: pipeline.topics[of], partition, values })
  const collection = of === 'metric' ? 'gpu_metrics' : 'token_usage'
  await eventually(`${until} in ${collection}`, async () => {
    return (await pipeline.documents(collection)).length === until
  })
}

test.serial('usage without a price of its own is priced by the newest sample of its GPU', async (t) => {
  const pipeline = await layPipeline(t, ground)
  pipeline.startProcessor()

  await store(pipeline, { of: 'metric', values: [sample(0, 3.6)], until: 1 })
  await store(pipeline, { of: 'token', values: [usage(0)], until: 1 })

  t.like((await pipeline.documents('token_usage'))[0], {
    tokens: 1000,
    tps: 1000,
    cost_per_token: 3.6 / 3_600_000,
    price_per_hour_usd: 3.6,
  })
})

test.serial('usage from before a change of the price costs what it did, also after a kill', async (t) => {
  const pipeline = await layPipeline(t, ground)
  const processor = pipeline.startProcessor()
  const changes = [sample(0, 1), sample(10, 1), sample(60, 3), sample(70, 3), sample(120, 2)]
  await store(pipeline, { of: 'metric', values: changes, until: 5 })
  await store(pipeline, { of: 'token', values: [usage(30), usage(130)], until: 2 })
  processor.kill('SIGKILL')
  await processor.ended

  pipeline.startProcessor()
  await store(pipeline, { of: 'token', values: [31, 59, 60, 119, 120, -5].map(usage), until: 8 })

  const found = (await pipeline.documents('token_usage')).map(({ ts, price_per_hour_usd }) => [
    (ts.getTime() - begin) / 1000,
    price_per_hour_usd,
  ])
  t.deepEqual(
    found.sort(([one], [other]) => (one ?? 0) - (other ?? 0)),
    [
      [-5, 1],
      [30, 1],
      [31, 1],
      [59, 1],
      [60, 3],
      [119, 3],
      [120, 2],
      [130, 2],
    ],
  )
})

test.serial(
  'a sample that comes late changes the price only up to the next one, also after a kill',
  async (t) => {
    const pipeline = await layPipeline(t, ground)
    const processor = pipeline.startProcessor()
    await store(pipeline, { of: 'metric', values: [sample(0, 1), sample(100, 2), sample(120, 2)], until: 3 })
    await store(pipeline, { of: 'metric', values: [sample(110, 1), sample(112, 1)], until: 5 })
    await store(pipeline, { of: 'token', values: [105, 111, 113, 125].map(usage), until: 4 })
    processor.kill('SIGKILL')
    await processor.ended
    pipeline.startProcessor()
    await store(pipeline, { of: 'metric', values: [sample(50, 5)], until: 6 })
    await store(pipeline, { of: 'token', values: [30, 99, 104, 126].map(usage), until: 8 })

    const found = (await pipeline.documents('token_usage')).map(({ ts, price_per_hour_usd }) => [
      (ts.getTime() - begin) / 1000,
      price_per_hour_usd,
    ])
    t.deepEqual(
      found.sort(([one], [other]) => (one ?? 0) - (other ?? 0)),
      [
        [30, 1],
        [99, 5],
        [104, 2],
        [105, 2],
        [111, 1],
        [113, 1],
        [125, 2],
        [126, 2],
      ],
    )
  },
)

test.serial('usage of one GPU that comes by two partitions costs twice, and is said', async (t) => {
  const pipeline = await layPipeline(t, ground)
  const processor = pipeline.startProcessor()
  const { token } = pipeline.topics
  for (const partition of [1, 4]) {
    await sendTo(ground.services.bootstrap, { topic: token, partition, values: [usage(0), usage(1)] })
  }
  await eventually('all are stored', async () => (await pipeline.documents('token_usage')).length === 4)

  const costs = (await pipeline.documents('token_usage')).map(
    ({ tokens, cost_per_token }) => tokens * cost_per_token,
  )
  const { body } = (await answerOf(`${pipeline.url}/metrics`)) ?? { body: '' }
  processor.kill('SIGTERM')
  const { stdout } = await processor.ended

  // Of each partition: the first second's event, and half of what the GPU costs in two.
  const perSecond = 0.85 / 3600
  t.true(Math.abs(costs.reduce((sum, cost) => sum + cost, 0) - perSecond * 3) < 1e-9, String(costs))
  t.regex(body, /^sluice_processor_split_gpus_total 1$/m)
  t.is(stdout.match(/usage of one GPU comes from several partitions/g)?.length, 1)
})
