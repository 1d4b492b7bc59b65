import type { Filled } from './fill.ts'
import { month } from './month.ts'

/** Something that is asked of /api/usage. */
export interface Question {
  title: string
  query: Record<string, string>
}

const isoOf = (time: number) => new Date(time).toISOString()
const wholeMonth = { from: isoOf(month.from), to: isoOf(month.to) }

/** Neither end is that of an hour: minutes and hours are read too. */
const ragged = {
  from: isoOf(month.from + (13 * 60 + 37) * 60_000),
  to: isoOf(month.to - (10 * 60 + 24) * 60_000),
}

export const questions: readonly Question[] = [
  ...['model', 'host', 'gpu', 'hour'].map(
    (by): Question => ({ title: `the month by ${by}`, query: { ...wholeMonth, by } }),
  ),
  {
    title: 'the month by hour, all 744 on one page',
    query: { ...wholeMonth, by: 'hour', limit: '1000' },
  },
  {
    title: 'the month by model, from 13:37 on its first to 13:36 on its last day',
    query: { ...ragged, by: 'model' },
  },
]

export interface Timing extends Question {
  /** Of the first time that it is asked, in milliseconds. */
  firstMs: number
  medianMs: number
  slowestMs: number
}

/** Asks each question so many times, one after the other, and reads the whole answer each time. */
export async function timeQuestions(address: string, asks: number, signal: AbortSignal): Promise<Timing[]> {
  const timings: Timing[] = []
  for (const question of questions) {
    const took: number[] = []
    for (let number = 0; number < asks; number += 1) {
      signal.throwIfAborted()
      const began = performance.now()
      await ask(address, question.query)
      took.push(performance.now() - began)
    }
    const sorted = took.toSorted((a, b) => a - b)
    timings.push({
      ...question,
      firstMs: took[0] ?? Number.NaN,
      medianMs: sorted[Math.floor(sorted.length / 2)] ?? Number.NaN,
      slowestMs: Math.max(...took.slice(1)),
    })
  }
  return timings
}

/** Throws where the sums of the month are not those of what was stored. */
export async function checkTotals(address: string, { events, tokens, cost }: Filled): Promise<void> {
  for (const by of ['model', 'host', 'gpu', 'hour']) {
    const { total, rows, complete } = await ask(address, { ...wholeMonth, by, limit: '1000' })
    const sums = {
      events: rows.reduce((sum, row) => sum + row.events, 0),
      tokens: rows.reduce((sum, row) => sum + row.tokens, 0),
    }
    const right =
      complete &&
      [total, sums].every((have) => have.events === events && have.tokens === tokens) &&
      Math.abs(Number(total.cost_usd) - cost) < cost * 1e-9
    if (!right) {
      throw new Error(
        `by ${by} the sums are ${JSON.stringify({ complete, total, sums })}, of what was stored ${JSON.stringify({ events, tokens, cost })}`,
      )
    }
  }
}

interface Sums {
  events: number
  tokens: number
  cost_usd: string
}

async function ask(
  address: string,
  query: Record<string, string>,
): Promise<{ complete: boolean; total: Sums; rows: Sums[] }> {
  const response = await fetch(`${address}/api/usage?${new URLSearchParams(query)}`)
  if (response.status !== 200)
    throw new Error(`/api/usage answers ${response.status}: ${await response.text()}`)
  return (await response.json()) as { complete: boolean; total: Sums; rows: Sums[] }
}
