import { isIPv4 } from 'node:net'
import { columns } from '../../engine/cli/columns.ts'
import { asAllowed, gotThrough } from './matrix.ts'
import type { Attempt } from './result.ts'

/** A table of more columns than this is shown as a list. */
const widestTable = 100

/**
 * Who got through to which port, as lines. `22` got through and may; `(22)` may, and nothing listens there; `22!` got
 * through and may not; `-22` may and did not. An address family that differs from the other is named.
 */
export function matrixLines(attempts: readonly Attempt[]): string[] {
  const sources = [...new Set(attempts.map(({ from }) => from))]
  const targets = [...new Set(attempts.map(({ to }) => to))].sort((left, right) =>
    left.localeCompare(right, 'en', { numeric: true }),
  )
  const cell = (from: string, to: string) => {
    const tried = attempts.filter((attempt) => attempt.from === from && attempt.to === to)
    return tried.length === 0 ? undefined : cellOf(tried)
  }
  const rows = sources.map((from) => [from, ...targets.map((to) => cell(from, to) ?? '')])
  const table = columns([['from \\ to', ...targets], ...rows])
  if (Math.max(...table.map(({ length }) => length)) <= widestTable) return table
  return sources.map((from) => {
    const reached = targets.flatMap((to) => {
      const text = cell(from, to) ?? '·'
      return text === '·' ? [] : [`${to} ${text}`]
    })
    return `${from} → ${reached.join(', ') || 'nothing'}`
  })
}

/** What the marks of `matrixLines` mean: those that appear. */
export function matrixLegend(attempts: readonly Attempt[]): string {
  const wrong = attempts.filter((attempt) => !asAllowed(attempt))
  return [
    'port: got through, as allowed',
    '·: nothing got through, as denied',
    ...(attempts.some(({ allowed, got }) => allowed && got === 'refused')
      ? ['(port): allowed, nothing listens']
      : []),
    ...(wrong.some(({ allowed }) => !allowed) ? ['port!: GOT THROUGH, should be denied'] : []),
    ...(wrong.some(({ allowed }) => allowed) ? ['-port: DID NOT GET THROUGH, should be allowed'] : []),
  ].join('   ')
}

function cellOf(attempts: readonly Attempt[]): string {
  const byPort = Map.groupBy(attempts, ({ port }) => port)
  const marks = [...byPort].flatMap(([port, tried]) => {
    const byMark = Map.groupBy(tried, (attempt) => markOf(attempt))
    const shown = [...byMark.keys()].filter((mark) => mark !== '')
    // Services that listen on one family only are no news: the mark of the other one says enough.
    const telling = shown.length > 1 ? shown.filter((mark) => mark !== `(${port})`) : shown
    return telling.map((mark) => {
      const families = new Set((byMark.get(mark) ?? []).map(({ address }) => (isIPv4(address) ? 4 : 6)))
      const isWrong = mark.endsWith('!') || mark.startsWith('-')
      const partly = isWrong && families.size === 1 && tried.length > 1
      return partly ? `${mark}v${[...families].join('')}` : mark
    })
  })
  return marks.length === 0 ? '·' : marks.join(' ')
}

function markOf(attempt: Attempt): string {
  const { port, allowed, got } = attempt
  if (allowed) return got === 'open' ? `${port}` : got === 'refused' ? `(${port})` : `-${port}`
  return gotThrough(attempt) ? `${port}!` : ''
}
