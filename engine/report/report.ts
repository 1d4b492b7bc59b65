import { type Emit, isCheck, type RunResult } from '../events.ts'
import { hostErrors } from './host-errors.ts'
import { jsonReport } from './json.ts'
import { lineReport } from './lines.ts'
import { planLines } from './plan.ts'
import { profileLines } from './profile.ts'
import { recapLines, summaryLine } from './recap.ts'
import { painter, type Screen } from './terminal.ts'

export interface ReportOptions {
  /** For results. */
  stdout: Screen
  /** For progress and errors. */
  stderr: Screen
  json: boolean
  verbose: boolean
  diff: boolean
  /** Whether it ends with where the time went. */
  profile: boolean
  signal: AbortSignal
}

/** How a run is shown: while it goes on, and what came of it. */
export interface Report {
  /** Whether it holds the terminal while the run goes on. */
  live: boolean
  emit: Emit
  /** Ends what is shown of the run going on, however it ended. */
  close(): Promise<void>
  /** Shows what came of it. */
  conclude(result: RunResult): void
}

/** The report that suits where it goes: JSON lines, a live view on a terminal, else a line for each event. */
export async function openReport(options: ReportOptions): Promise<Report> {
  const { stdout, stderr, json, verbose, diff, signal } = options
  if (json) {
    const emit = jsonReport({ write: (line) => stdout.write(`${line}\n`), diff })
    return { live: false, emit, close: async () => {}, conclude: () => {} }
  }
  const conclude = (result: RunResult) => showResult(result, options)
  if (stderr.isTTY && !verbose && process.env.TERM !== 'dumb') {
    const { liveView } = await import('./live-view.ts')
    return { live: true, ...liveView(stderr, signal), conclude }
  }
  const write = (line: string) => stderr.write(`${line}\n`)
  const emit = lineReport({ write, paint: painter(stderr), verbose })
  return { live: false, emit, close: async () => {}, conclude }
}

function showResult(result: RunResult, { stdout, stderr, verbose, diff, profile }: ReportOptions): void {
  const paint = painter(stdout)
  const plan = isCheck(result.mode) || diff ? planLines(result.hosts, { diff, paint }) : []
  const write = (line: string) => stdout.write(`${line}\n`)
  for (const line of [...plan, ...recapLines(result, { verbose, paint })]) write(line)
  const paintError = painter(stderr)
  for (const text of hostErrors(result.hosts)) {
    const [first = '', ...rest] = text.split('\n')
    stderr.write(`\n${[paintError(['red', 'bold'], first), ...rest].join('\n')}\n`)
  }
  if (profile && result.profile !== undefined)
    for (const line of profileLines(result.profile, paint)) write(line)
  // Last, because the last line is what is read first.
  write(`\n${summaryLine(result, paint)}`)
}
