import { mkdir, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { type Width, widths } from '../../runtime/processor/usage/widths.ts'
import type { Filled } from './fill.ts'
import { cacheGb } from './mongod.ts'
import type { UsageBenchOptions } from './options.ts'
import type { Timing } from './questions.ts'

export interface UsageResults {
  command: string
  options: UsageBenchOptions
  filled: Filled
  timings: Timing[]
  mongodb: string
  /** How many roll-ups there are of each width. */
  rollups: Map<string, number>
  /** How long the sums of the month by model take from the documents, with one look at each. */
  documentsSeconds: number
}

const goalMs = 100

const widthTitles: Record<Width, string> = {
  '10s': '10 s',
  minute: 'a minute',
  hour: 'an hour',
  day: 'a day',
}

export async function writeUsageResults(directory: string, results: UsageResults): Promise<void> {
  await mkdir(directory, { recursive: true })
  await writeFile(join(directory, 'usage.md'), usageReport(results))
}

/** The figures as a page of Markdown. */
export function usageReport(results: UsageResults): string {
  const { command, options, filled, timings, mongodb, rollups, documentsSeconds } = results
  const perSecond = (seconds: number) => count(filled.events / seconds)
  return [
    '# A month of usage, asked for',
    '',
    `${count(filled.events)} documents of one month, of 8 hosts with two GPUs each and five models, lie in MongoDB. They went in through`,
    "the processor's own store, with its marks, and its own keeper summed them up. Each GPU works ten seconds of every",
    'minute, and for an hour at a time on one model. Then mongod was started anew, and each question was asked',
    `${options.asks} times by HTTP of the routes that the processor serves, one after the other. That the sums of all groupings are those`,
    'of what was stored was checked.',
    '',
    `- command: \`${command}\` (${new Date().toISOString().slice(0, 10)})`,
    `- machine: ${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GB, Linux ${release()}; load ${(loadavg()[0] ?? 0).toFixed(1)} at the end`,
    `- versions: Node ${process.versions.node}, mongod ${mongodb} with ${cacheGb} GB of cache`,
    `- stored in ${filled.insertSeconds.toFixed(0)} s (${perSecond(filled.insertSeconds)} documents/s), summed up in ${filled.rollupSeconds.toFixed(0)} s (${perSecond(filled.rollupSeconds)} documents/s)`,
    `- roll-ups: ${widths.map((width) => `${count(rollups.get(width) ?? 0)} of ${widthTitles[width]}`).join(', ')}`,
    '',
    ...table(
      ['', 'first time', 'median', 'slowest after that', `median at most ${goalMs} ms`],
      timings.map(({ title, firstMs, medianMs, slowestMs }) => [
        title,
        ...[firstMs, medianMs, slowestMs].map((ms) => `${ms.toFixed(1)} ms`),
        medianMs <= goalMs ? 'yes' : 'no',
      ]),
    ),
    '',
    `Without roll-ups, adding up events and tokens of the month by model in the documents takes ${documentsSeconds.toFixed(1)} s.`,
    '',
  ].join('\n')
}

const count = (value: number): string => Math.round(value).toLocaleString('en').replaceAll(',', ' ')

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map((_, index) => (index === 0 ? '---' : '--:'))), ...rows.map(line)]
}
