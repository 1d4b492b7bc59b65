import * as v from 'valibot'
import { parseTimestamp } from '../../timestamp.ts'
import { ceilTo, floorTo, type Span, widthMs } from './widths.ts'

/** What usage can be summed up by. */
export const groupings = ['model', 'host', 'gpu', 'hour'] as const
export type Grouping = (typeof groupings)[number]

export const pageLimits = { default: 100, largest: 1000 } as const

/** Longer ranges are asked for in parts. */
export const longestRangeDays = 400

/** A question about usage. Times are whole minutes. */
export interface UsageQuery extends Span {
  by: Grouping
  limit: number
  /** The last row of the page before. */
  after: RowKey | undefined
}

/** What a row is of: a model, a host, a GPU or an hour. In the order of these, rows are sorted and paged. */
export type RowKey = (string | number | null)[]

const Time = (rule: string) =>
  v.pipe(
    v.string(),
    v.check((written) => parseTimestamp(written) !== undefined, rule),
    v.transform((written) => parseTimestamp(written) ?? Number.NaN),
  )

const timeRule = 'should be a UTC time such as 2026-01-02T03:04:00Z'
const limitRule = `should be a whole number from 1 to ${pageLimits.largest}`
const afterRule = 'should be as the "next" of the page before has it'

const After = v.pipe(
  v.string(),
  v.rawTransform(({ dataset, addIssue, NEVER }): RowKey => {
    const key = v.safeParse(KeyText, Buffer.from(dataset.value, 'base64url').toString('utf8'))
    if (key.success) return key.output
    addIssue({ message: afterRule })
    return NEVER
  }),
)
const KeyText = v.pipe(
  v.string(),
  v.parseJson(),
  v.pipe(v.array(v.union([v.string(), v.number(), v.null()])), v.minLength(1), v.maxLength(2)),
)

const Query = v.strictObject({
  from: v.optional(Time(timeRule)),
  to: v.optional(Time(timeRule)),
  by: v.optional(v.picklist(groupings, `should be one of ${groupings.join(', ')}`), 'model'),
  limit: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^\d{1,4}$/, limitRule),
      v.transform(Number),
      v.minValue(1, limitRule),
      v.maxValue(pageLimits.largest, limitRule),
    ),
  ),
  after: v.optional(After),
})

export interface QueryProblem {
  parameter: string
  problem: string
}

/** The key of a row as text for the address of the next page. */
export const writeKey = (key: RowKey): string => Buffer.from(JSON.stringify(key)).toString('base64url')

/** Reads the parameters of a request; without times it is about the last 24 hours. */
export function parseUsageQuery(
  parameters: Record<string, string>,
  now: number,
): { query: UsageQuery } | { problems: QueryProblem[] } {
  const result = v.safeParse(Query, parameters)
  if (!result.success) return { problems: result.issues.map((issue) => problemOf(issue, parameters)) }
  const { by, after } = result.output
  const to = ceilTo('minute', result.output.to ?? now)
  const from = floorTo('minute', result.output.from ?? to - widthMs.day)
  if (from >= to) return { problems: [{ parameter: 'from', problem: 'should be before "to"' }] }
  if (to - from > longestRangeDays * widthMs.day) {
    const problem = `should be at most ${longestRangeDays} days before "to"; ask for the range in parts`
    return { problems: [{ parameter: 'from', problem }] }
  }
  if (after !== undefined && !fits(after, by)) {
    return { problems: [{ parameter: 'after', problem: `${afterRule}, with the same "by"` }] }
  }
  return { query: { from, to, by, limit: result.output.limit ?? pageLimits.default, after } }
}

function fits(key: RowKey, by: Grouping): boolean {
  const [first, second] = key
  if (by === 'gpu') return key.length === 2 && typeof first !== 'number' && typeof second === 'number'
  if (by === 'hour') return key.length === 1 && typeof first === 'number' && first % widthMs.hour === 0
  return key.length === 1 && (typeof first === 'string' || (by === 'host' && first === null))
}

function problemOf(issue: v.BaseIssue<unknown>, parameters: Record<string, string>): QueryProblem {
  const parameter = String(issue.path?.[0]?.key ?? '')
  if (issue.type === 'strict_object') {
    const known = Object.keys(Query.entries).join(', ')
    return { parameter, problem: `is not known; there are ${known}` }
  }
  const got = parameters[parameter] ?? ''
  return { parameter, problem: `${issue.message}, got ${JSON.stringify(got.slice(0, 80))}` }
}
