import { randomUUID } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { takeDown } from '../inventory/lab/lifecycle.ts'
import { withLock } from '../inventory/lab/lock.ts'
import { labSettings } from '../inventory/lab/settings.ts'
import { type BenchCircumstances, runBench } from './command.ts'
import { type BenchOptions, readOptions } from './converge/options.ts'
import { describeConditions, writeResults } from './converge/results.ts'
import { measureScenario } from './converge/scenario.ts'
import type { Run, Scenario } from './converge/summary.ts'
import type { ToolName } from './converge/tools.ts'
import { ensureVirtualEnvironment } from './converge/virtual-environment.ts'

/** The conditions that are asked for: each number of hosts as it is, and some hosts at each distance. */
function scenariosAskedFor({ hosts, latency, latencyHosts }: BenchOptions): Scenario[] {
  const near = latency.includes(0) ? hosts.map((count) => ({ hosts: count, latencyMs: 0 })) : []
  const far = latency.filter((ms) => ms > 0).map((latencyMs) => ({ hosts: latencyHosts, latencyMs }))
  return [...near, ...far]
}

function toolsFor({ peers, peerHosts }: BenchOptions, { hosts }: Scenario): ToolName[] {
  return peers.filter((tool) => tool === 'sluice' || tool === 'floor' || hosts <= peerHosts)
}

async function run(options: BenchOptions, { command, progress, signal }: BenchCircumstances): Promise<void> {
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

await runBench('bench:converge', readOptions, (options, circumstances) =>
  withLock(join(options.cache, 'lock'), () => run(options, circumstances), {
    signal: circumstances.signal,
    onWait: () => circumstances.progress('waiting for another bench to finish'),
  }),
)
