import { type Context, Hono } from 'hono'
import type { Db } from 'mongodb'
import { reasonOf } from '../../reason.ts'
import { openApi } from './openapi.ts'
import { parseUsageQuery, writeKey } from './usage-query.ts'
import { reportUsage } from './usage-report.ts'

/** `/api/usage` and the document that describes it. */
export function usageRoutes(db: Db): Hono {
  const app = new Hono()

  app.get('/api/openapi.json', (context) => context.json(openApi))

  app.get('/api/usage', async (context) => {
    const parameters = readParameters(context)
    if ('problems' in parameters) return wrong(context, parameters.problems)
    const parsed = parseUsageQuery(parameters.values, Date.now())
    if ('problems' in parsed) return wrong(context, parsed.problems)
    const { query } = parsed
    try {
      const { next, ...report } = await reportUsage(db, query)
      return context.json({
        ...report,
        next: next === undefined ? null : nextPage(report, query.limit, writeKey(next)),
      })
    } catch (error) {
      return context.json(
        {
          error: {
            code: 'DATABASE_UNAVAILABLE',
            message: `the database did not answer: ${reasonOf(error)}`,
            do: 'ask again in some seconds, or for a shorter range; /ready says what is wrong',
          },
        },
        503,
        { 'Retry-After': '5' },
      )
    }
  })

  return app
}

function readParameters(
  context: Context,
): { values: Record<string, string> } | { problems: { parameter: string; problem: string }[] } {
  const all = Object.entries(context.req.queries())
  const problems = all
    .filter(([, values]) => values.length > 1)
    .map(([parameter, values]) => ({
      parameter,
      problem: `should be there once, not ${values.length} times`,
    }))
  if (problems.length > 0) return { problems }
  return { values: Object.fromEntries(all.map(([name, values]) => [name, values[0] ?? ''])) }
}

const wrong = (context: Context, problems: { parameter: string; problem: string }[]) =>
  context.json(
    {
      error: {
        code: 'BAD_QUERY',
        message: problems.map(({ parameter, problem }) => `"${parameter}" ${problem}`).join('; '),
        do: 'see /api/openapi.json for what can be asked',
        problems,
      },
    },
    400,
  )

function nextPage(
  { from, to, by }: { from: string; to: string; by: string },
  limit: number,
  after: string,
): string {
  return `/api/usage?${new URLSearchParams({ from, to, by, limit: String(limit), after })}`
}
