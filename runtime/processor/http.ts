import { Hono } from 'hono'
import type { GpuBoard } from './gpu-board.ts'
import type { ProcessorMetrics } from './metrics.ts'
import type { Readiness } from './readiness.ts'

/** What the processor answers on its port. */
export function createApp({
  readiness,
  board,
  metrics,
}: {
  readiness: Readiness
  board: GpuBoard
  metrics: ProcessorMetrics
}): Hono {
  const app = new Hono()

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
    const newest = board.newest
    if (newest === undefined) return context.json({ gpu: null, age_seconds: null })
    const { ts, host, gpu_index, name, utilization, mem_used_mb, mem_total_mb, power_w, price_per_hour_usd } =
      newest
    return context.json({
      gpu: {
        ts: ts.toISOString(),
        host,
        gpu_index,
        name,
        utilization,
        mem_used_mb,
        mem_total_mb,
        power_w,
        price_per_hour_usd,
      },
      age_seconds: Math.max(0, Date.now() - ts.getTime()) / 1000,
    })
  })

  app.get('/metrics', async (context) =>
    context.body(await metrics.registry.metrics(), 200, { 'Content-Type': metrics.registry.contentType }),
  )

  return app
}
