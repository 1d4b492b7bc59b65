import { Hono } from 'hono'
import { routePath } from 'hono/route'
import type { Db } from 'mongodb'
import type { LiveStreams } from './dashboard/live.ts'
import { dashboardRoutes } from './dashboard/routes.ts'
import type { GpuBoard, ShownSample } from './gpu-board.ts'
import type { ProcessorMetrics } from './metrics.ts'
import type { Readiness } from './readiness.ts'
import { usageRoutes } from './usage/routes.ts'

/** What the processor answers on its port. */
export function createApp({
  readiness,
  board,
  metrics,
  database,
  streams,
}: {
  readiness: Readiness
  board: GpuBoard
  metrics: ProcessorMetrics
  /** Without one, what only a database can answer is not there. */
  database?: Db
  /** Without them there is no dashboard. */
  streams?: LiveStreams
}): Hono {
  const app = new Hono()

  app.use(async (context, next) => {
    const startedAt = performance.now()
    await next()
    // Whatever else is asked for is one route: anybody could make any number of them.
    const path = routePath(context, -1)
    const labels = { route: path === '/*' ? 'other' : path, status: context.res.status }
    metrics.httpSeconds.observe(labels, (performance.now() - startedAt) / 1000)
  })

  // Only that the process lives and its event loop turns: an outage elsewhere is no reason to restart it.
  app.get('/health', (context) =>
    context.json({ status: 'ok', uptime_seconds: Math.round(process.uptime()) }),
  )

  app.get('/ready', (context) => {
    const reasons = readiness.reasons
    const ready = Object.keys(reasons).length === 0
    return context.json({ ready, reasons }, ready ? 200 : 503)
  })

  app.get('/gpu/info', (context) => {
    const now = Date.now()
    const { newest } = board
    return context.json({
      // The newest sample of all stands on its own, as it did before there were several.
      gpu: newest === undefined ? null : shown(newest),
      age_seconds: newest === undefined ? null : ageSeconds(newest, now),
      gpus: board.all.map((sample) => ({ ...shown(sample), age_seconds: ageSeconds(sample, now) })),
    })
  })

  app.get('/metrics', async (context) =>
    context.body(await metrics.registry.metrics(), 200, { 'Content-Type': metrics.registry.contentType }),
  )

  if (streams !== undefined) app.route('/', dashboardRoutes(streams))
  if (database !== undefined) app.route('/', usageRoutes(database))

  return app
}

const ageSeconds = ({ ts }: ShownSample, now: number): number => Math.max(0, now - ts.getTime()) / 1000

/** The fields of a sample that anybody may see. */
function shown(sample: ShownSample) {
  const { ts, host, gpu_index, name, utilization, mem_used_mb, mem_total_mb, power_w, price_per_hour_usd } =
    sample
  return {
    ts: ts.toISOString(),
    host,
    gpu_index,
    name,
    utilization,
    mem_used_mb,
    mem_total_mb,
    power_w,
    price_per_hour_usd,
  }
}
