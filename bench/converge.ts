import { randomUUID } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CommanderError } from 'commander'
import { describeError } from '../engine/errors.ts'
import { takeDown } from '../inventory/lab/lifecycle.ts'
import { withLock } from '../inventory/lab/lock.ts'
import { labSettings } from '../inventory/lab/settings.ts'
import { type BenchOptions, readOptions } from './converge/options.ts'
import { describeConditions, writeResults } from './converge/results.ts'
import { measureScenario } from './converge/scenario.ts'
import type { Run, Scenario } from './converge/summary.ts'
import type { ToolName } from './converge/tools.ts'
import { ensureVirtualEnvironment } from './converge/virtual-environment.ts'

const progress = (message: string) => void process.stderr.write(`${message}\n`)

/** The conditions that are asked for: each number of hosts as it is, and some hosts at each distance. */
function scenariosAskedFor({ hosts, latency, latencyHosts }: BenchOptions): Scenario[] {
  const near = latency.includes(0) ? hosts.map((count) => ({ hosts: count, latencyMs: 0 })) : []
  const far = latency.filter((ms) => ms > 0).map((latencyMs) => ({ hosts: latencyHosts, latencyMs }))
  return [...near, ...far]
}

function toolsFor({ peers, peerHosts }: BenchOptions, { hosts }: Scenario): ToolName[] {
  return peers.filter((tool) => tool === 'sluice' || tool === 'floor' || hosts <= peerHosts)
}

async function run(options: BenchOptions, command: string, signal: AbortSignal): Promise<void> {
  const python = options.peers.some((tool) => tool !== 'sluice' && tool !== 'floor')
    ? await ensureVirtualEnvironment(options.cache, progress)
    : undefined
  const lab = labSettings(import.meta.dirname, { ...process.env, SLUICE_LAB_NAME: 'bench' })
  const directory = join(tmpdir(), `sluice-bench-${randomUUID()}`)
  const conditions = await describeConditions(command, python)
  const runs: Run[] = []
  await mkdir(directory)
  try {
    for (const scenario of scenariosAskedFor(options)) {
      runs.push(
        ...(await measureScenario(scenario, {
          lab,
          python,
          cacheDirectory: options.cache,
          directory,
          progress,
          tools: toolsFor(options, scenario),
          limits: options,
          signal,
        })),
      )
      await writeResults(options.out, { ...conditions, runs })
    }
  } finally {
    await takeDown(lab, () => {})
    await rm(directory, { recursive: true, force: true })
  }
  progress(`written: ${join(options.out, 'converge.md')}, converge.svg and converge.json`)
}

async function main(words: readonly string[]): Promise<number> {
  const interruption = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interruption.abort())
  try {
    const options = readOptions(words)
    const command = ['npm run bench:converge', ...(words.length > 0 ? ['--', ...words] : [])].join(' ')
    const lock = join(options.cache, 'lock')
    const onWait = () => progress('waiting for another bench to finish')
    await withLock(lock, () => run(options, command, interruption.signal), {
      signal: interruption.signal,
      onWait,
    })
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode
    process.stderr.write(`${interruption.signal.aborted ? 'stopped' : describeError(error)}\n`)
    return 1
  }
}

process.exitCode = await main(process.argv.slice(2))
