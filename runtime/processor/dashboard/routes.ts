import { type Context, Hono } from 'hono'
import { assets } from './assets.ts'
import type { LiveStreams } from './live.ts'
import { type Range, rangeNames } from './wire.ts'

/** The page loads nothing from elsewhere, and nothing may put it into a page of its own. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** The dashboard at `/`, and what it listens to. */
export function dashboardRoutes(streams: LiveStreams): Hono {
  const app = new Hono()
  const serve = (path: string, body: string, type: string) =>
    app.get(path, (context) => file(context, body, type))

  serve('/', assets.html, 'text/html; charset=utf-8')
  serve('/dashboard.css', assets.css, 'text/css; charset=utf-8')
  serve('/dashboard.js', assets.script, 'text/javascript; charset=utf-8')
  serve('/icon.svg', assets.icon, 'image/svg+xml')

  app.get('/api/live', (context) => {
    const range = context.req.query('range') ?? '15m'
    if (!isRange(range)) {
      const known = rangeNames.join(', ')
      const message = `"range" should be one of ${known}, got ${JSON.stringify(range.slice(0, 80))}`
      return context.json({ error: { code: 'BAD_QUERY', message, do: `ask with one of ${known}` } }, 400)
    }
    if (streams.full) {
      const message = 'too many pages listen already'
      return context.json({ error: { code: 'BUSY', message, do: 'close some, or ask again later' } }, 503)
    }
    return context.body(streams.open(range, context.req.raw.signal), 200, {
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'no-store',
      'X-Accel-Buffering': 'no',
    })
  })

  return app
}

const isRange = (written: string): written is Range => rangeNames.some((name) => name === written)

function file(context: Context, body: string, type: string): Response {
  const etag = `"${assets.version}"`
  const headers = {
    'Content-Type': type,
    'Content-Security-Policy': contentSecurityPolicy,
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    // Asked for anew each time, sent anew only when it is another one.
    'Cache-Control': 'no-cache',
    ETag: etag,
  }
  if (context.req.header('If-None-Match') === etag) return context.body(null, 304, headers)
  return context.body(body, 200, headers)
}
