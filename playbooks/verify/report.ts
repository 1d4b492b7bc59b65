import { columns } from '../../engine/cli/columns.ts'
import { type Paint, printable } from '../../engine/report/terminal.ts'
import { count, duration } from '../../engine/report/wording.ts'
import { failureLines } from './failures.ts'
import { matrixLegend, matrixLines } from './matrix-view.ts'
import type { CheckResult, VerifyResult } from './result.ts'

const marks = { passed: '✓', failed: '✗', skipped: '-' } as const
const styles = { passed: 'green', failed: 'red', skipped: 'yellow' } as const

const nameWidth = 20

/** One line for a check that ended. */
export function checkLine(check: CheckResult, hostWidth: number, paint: Paint): string {
  const { status, name, host = '', durationMs } = check
  const took = status === 'skipped' ? 'skipped' : duration(durationMs)
  const head = `${marks[status]} ${name.padEnd(nameWidth)} ${host.padEnd(hostWidth)} ${took.padStart(8)}`
  return `${paint(styles[status], head)}  ${printable(check.detail)}`
}

/** What is said at the end: counts, latency, the firewall, and what failed with what to do. */
export function conclusionLines(result: VerifyResult, paint: Paint): string[] {
  return [
    ...countLines(result),
    ...latencyLines(result),
    ...firewallLines(result, paint),
    ...failureLines(result, paint),
    '',
    verdictLine(result, paint),
  ]
}

function countLines({ counts }: VerifyResult): string[] {
  if (counts.length === 0) return []
  const rows = counts.map(({ collection, before, after, marked, expected }) => [
    collection,
    `${before} before`,
    `${after} after`,
    `${marked} of the batch, should be ${expected}`,
  ])
  return ['', ...columns(rows)]
}

function latencyLines({ latency }: VerifyResult): string[] {
  if (latency === undefined) return []
  const { documents, p50Ms, p95Ms, longestMs, resolutionMs } = latency
  const values = `p50 ${p50Ms} ms, p95 ${p95Ms} ms, longest ${longestMs} ms`
  return [
    `from event to document: ${values} (${count(documents, 'document')}, seen at most ${resolutionMs} ms late)`,
  ]
}

function firewallLines({ matrix }: VerifyResult, paint: Paint): string[] {
  if (matrix.length === 0) return []
  const [head = '', ...rows] = matrixLines(matrix)
  const wrong = /(?<=\s|^)(\d+!(?:v\d)?|-\d+(?:v\d)?)(?=\s|,|$)/g
  return [
    '',
    paint('bold', 'who gets through to which port'),
    paint('dim', head),
    ...rows.map((row) => row.replaceAll(wrong, (mark) => paint('red', mark))),
    paint('dim', matrixLegend(matrix)),
  ]
}

function verdictLine({ checks, status, durationMs }: VerifyResult, paint: Paint): string {
  const number = (wanted: CheckResult['status']) => checks.filter((check) => check.status === wanted).length
  const parts = [`${number('passed')} passed`, `${number('failed')} failed`, `${number('skipped')} skipped`]
  const whole = status === 'passed' && number('skipped') === 0
  const words = {
    passed: whole ? 'verified' : 'verified IN PART',
    failed: 'NOT VERIFIED',
    stopped: 'STOPPED',
  }
  return paint(
    [status === 'failed' ? 'red' : whole ? 'green' : 'yellow', 'bold'],
    `${words[status]}: ${parts.join(', ')} in ${duration(durationMs)}`,
  )
}
