import * as v from 'valibot'

const mostErrors = 3

/** Mongod and our own programs write a JSON document a line. */
const Entry = v.looseObject({
  msg: v.string(),
  /** Of mongod: I, W, E, F. */
  s: v.optional(v.string()),
  /** Of our programs. */
  level: v.optional(v.union([v.string(), v.number()])),
  attr: v.optional(v.looseObject({ error: v.optional(v.unknown()) })),
  err: v.optional(v.looseObject({ message: v.optional(v.string()) })),
})

type Weight = 'error' | 'warning' | 'end' | 'talk'

interface Line {
  text: string
  /** The same again, whenever it was said and with whatever numbers. */
  sameAs: string
  weight: Weight
}

/**
 * Of the last lines of a unit's journal those that say something: the last errors, or where there is none the last
 * warnings, and what systemd says of its end; each once, as short as it can be. Where nothing does, the last line.
 */
export function tellingLines(journal: readonly string[]): string[] {
  const lines = journal.map(lineOf)
  const newest = lines.filter(
    ({ sameAs }, index) => lines.findLastIndex((other) => other.sameAs === sameAs) === index,
  )
  const of = (weight: Weight, most: number) => newest.filter((line) => line.weight === weight).slice(-most)
  const errors = of('error', mostErrors)
  const chosen = new Set([...(errors.length > 0 ? errors : of('warning', mostErrors)), ...of('end', 2)])
  const told = newest.filter((line) => chosen.has(line))
  return (told.length > 0 ? told : newest.slice(-1)).map(({ text }) => text)
}

function lineOf(line: string): Line {
  const [, time = '', program = '', message] =
    /^(\d{4}-\d\d-\d\dT[\d:]{8})\S* \S+ ([^\s:[]+)(?:\[\d+\])?: (.*)$/.exec(line) ?? []
  if (message === undefined) return { text: line, sameAs: line, weight: 'talk' }
  const { said, weight } = program === 'systemd' ? ofSystemd(message) : (ofEntry(message) ?? ofText(message))
  return {
    text: `${time.replace('T', ' ')} ${program}: ${said}`,
    sameAs: `${program}: ${said.replaceAll(/\d+/g, '0')}`,
    weight,
  }
}

interface Said {
  said: string
  weight: Weight
}

/** That it uses resources and is scheduled to start again is no news: how it ended is. */
function ofSystemd(said: string): Said {
  return { said, weight: /Consumed .* CPU time|Scheduled restart job/.test(said) ? 'talk' : 'end' }
}

function ofEntry(message: string): Said | undefined {
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), Entry), message)
  if (!parsed.success) return undefined
  const { msg, s, level, attr, err } = parsed.output
  const error = err?.message ?? attr?.error
  const cause = error === undefined || msg.includes(String(error)) ? '' : `: ${textOf(error)}`
  return { said: `${msg}${cause}`, weight: weightOf(String(level ?? s ?? '')) }
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

function weightOf(level: string): Weight {
  if (['E', 'F', 'error', 'fatal', '50', '60'].includes(level)) return 'error'
  return ['W', 'warn', '40'].includes(level) ? 'warning' : 'talk'
}

function ofText(said: string): Said {
  if (/\b(ERROR|FATAL|SEVERE|panic)\b|^(?!INFO|WARN|\s*at ).*(Exception|Error)\b/.test(said))
    return { said, weight: 'error' }
  return { said, weight: /\bWARN(ING)?\b/.test(said) ? 'warning' : 'talk' }
}
