import { mkdir, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { pipelineChart } from './chart.ts'
import type { Measurements } from './goals.ts'
import { pipelineReport } from './report.ts'

export interface PipelineResults extends Measurements {
  command: string
  date: string
  machine: string
  versions: Record<string, string>
  messages: number
}

/** What figures are worth nothing without. */
export function pipelineConditions(): Pick<PipelineResults, 'date' | 'machine'> {
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: `${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GB, Linux ${release()}; Kafka, ZooKeeper, mongod and what is measured share it`,
  }
}

/** Writes the figures for programs, for readers and for the eye. */
export async function writePipelineResults(directory: string, results: PipelineResults): Promise<void> {
  await mkdir(directory, { recursive: true })
  await writeFile(join(directory, 'pipeline.json'), `${JSON.stringify(results, rounded)}\n`)
  await writeFile(join(directory, 'pipeline.md'), pipelineReport(results))
  await writeFile(join(directory, 'pipeline.svg'), pipelineChart(results.speed))
}

function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Math.round(value * 10) / 10 : value
}
