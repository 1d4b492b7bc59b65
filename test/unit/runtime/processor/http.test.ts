import test from 'ava'
import { pino } from 'pino'
import { GpuBoard } from '../../../../runtime/processor/gpu-board.ts'
import { createApp } from '../../../../runtime/processor/http.ts'
import { ProcessorMetrics } from '../../../../runtime/processor/metrics.ts'
import { Readiness } from '../../../../runtime/processor/readiness.ts'

function newApp() {
  const metrics = new ProcessorMetrics()
  const readiness = new Readiness(pino({ level: 'silent' }), metrics)
  const board = new GpuBoard()
  return { app: createApp({ readiness, board, metrics }), readiness, board, metrics }
}

async function gpuShown(app: ReturnType<typeof createApp>) {
  const response = await app.request('/gpu/info')
  return (await response.json()) as { gpu: { ts: string; name: string }; age_seconds: number }
}

const sample = (ts: Date) => ({
  ts,
  host: 'gpu-1',
  gpu_index: 0,
  name: 'A100 40GB',
  utilization: 0.5,
  mem_used_mb: 12_000,
  mem_total_mb: 40_960,
  power_w: 210,
  price_per_hour_usd: 3.2,
})

test('/health says that the process lives, whatever else is away', async (t) => {
  const { app } = newApp()

  const response = await app.request('/health')

  t.is(response.status, 200)
  t.like(await response.json(), { status: 'ok' })
})

test('/ready is 503 with the reasons until every part is well', async (t) => {
  const { app, readiness } = newApp()
  readiness.well('indexes')
  readiness.unwell('mongodb', 'connect ECONNREFUSED')

  const before = await app.request('/ready')
  readiness.well('mongodb')
  readiness.well('kafka')
  const after = await app.request('/ready')

  t.is(before.status, 503)
  t.deepEqual(await before.json(), {
    ready: false,
    reasons: { kafka: 'not reached yet', mongodb: 'connect ECONNREFUSED' },
  })
  t.is(after.status, 200)
  t.deepEqual(await after.json(), { ready: true, reasons: {} })
})

test('/gpu/info gives the newest sample by its own time, with its age', async (t) => {
  const { app, board } = newApp()
  const now = Date.now()
  board.note(sample(new Date(now - 2000)))
  board.note(sample(new Date(now - 9000)))

  const { gpu, age_seconds } = await gpuShown(app)

  const passed = (Date.now() - now) / 1000
  t.is(gpu.ts, new Date(now - 2000).toISOString())
  t.is(gpu.name, 'A100 40GB')
  t.true(age_seconds >= 2 && age_seconds <= 2 + passed, String(age_seconds))
})

test('/gpu/info of a processor that saw no sample yet is an answer too', async (t) => {
  const { app } = newApp()

  const response = await app.request('/gpu/info')

  t.is(response.status, 200)
  t.deepEqual(await response.json(), { gpu: null, age_seconds: null, gpus: [] })
})

test("/gpu/info lists every GPU that was seen, with its newest sample and that one's age", async (t) => {
  const { app, board } = newApp()
  const now = Date.now()
  board.note({ ...sample(new Date(now - 9000)), host: 'gpu-2' })
  board.note({ ...sample(new Date(now - 4000)), gpu_index: 10 })
  board.note({ ...sample(new Date(now - 3000)), gpu_index: 2, utilization: 0.9 })
  board.note({ ...sample(new Date(now - 8000)), gpu_index: 2 })

  const { gpus } = (await (await app.request('/gpu/info')).json()) as {
    gpus: { host: string; gpu_index: number; utilization: number; age_seconds: number }[]
  }

  t.deepEqual(
    gpus.map(({ host, gpu_index, utilization }) => [host, gpu_index, utilization]),
    [
      ['gpu-1', 2, 0.9],
      ['gpu-1', 10, 0.5],
      ['gpu-2', 0, 0.5],
    ],
  )
  const passed = (Date.now() - now) / 1000
  for (const [place, age] of [3, 4, 9].entries()) {
    const shown = gpus[place]?.age_seconds ?? 0
    t.true(shown >= age && shown <= age + passed, String(shown))
  }
})

test('a sample from a clock far ahead does not stay the newest', async (t) => {
  const { app, board } = newApp()
  const now = Date.now()
  board.note(sample(new Date(now + 3_600_000)))
  board.note(sample(new Date(now)))

  const { gpu } = await gpuShown(app)

  t.is(gpu.ts, new Date(now).toISOString())
})

test('/metrics counts events by topic and result', async (t) => {
  const { app, metrics } = newApp()
  metrics.events.inc({ topic: 'token.usage.v1', result: 'stored' }, 3)

  const text = await (await app.request('/metrics')).text()

  t.true(text.includes('sluice_processor_events_total{topic="token.usage.v1",result="stored"} 3'))
})

test('requests are measured by route and status, and what is no route is one', async (t) => {
  const { app, metrics } = newApp()
  for (const path of ['/health', '/health', '/ready', '/no-such-page', '/another?x=1'])
    await app.request(path)

  const { values } = await metrics.httpSeconds.get()
  const counts = values
    .filter(({ metricName }) => metricName?.endsWith('_count'))
    .map(({ labels, value }) => [labels.route, labels.status, value])
  t.deepEqual(counts, [
    ['/health', 200, 2],
    ['/ready', 503, 1],
    ['other', 404, 2],
  ])
})
