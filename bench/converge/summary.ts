import type { Phase, ToolName } from './tools.ts'

/** One run of one tool. */
export interface Run {
  hosts: number
  latencyMs: number
  tool: ToolName
  phase: Phase
  wallMs: number
  cpuMs: number
  memoryMb: number
  /** The machine's load average when it began: how much else there was to do. */
  load?: number
}

/** The medians of the runs of one tool in one phase. */
export type Summary = Run & { runs: number; fastestMs: number; slowestMs: number }

/** What was measured under the same conditions. */
export type Scenario = Pick<Run, 'hosts' | 'latencyMs'>

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2
}

/** Medians, in the order in which the conditions first occur. */
export function summarize(runs: readonly Run[]): Summary[] {
  const groups = Map.groupBy(runs, ({ hosts, latencyMs, tool, phase }) =>
    [hosts, latencyMs, tool, phase].join(' '),
  )
  return [...groups.values()].flatMap((group) => {
    const [first] = group
    if (first === undefined) return []
    const walls = group.map(({ wallMs }) => wallMs)
    return {
      ...first,
      wallMs: median(walls),
      cpuMs: median(group.map(({ cpuMs }) => cpuMs)),
      memoryMb: Math.max(...group.map(({ memoryMb }) => memoryMb)),
      runs: group.length,
      fastestMs: Math.min(...walls),
      slowestMs: Math.max(...walls),
    }
  })
}

/** The conditions that there are figures for. */
export function scenariosOf(summaries: readonly Summary[]): Scenario[] {
  const all = summaries.map(({ hosts, latencyMs }) => ({ hosts, latencyMs }))
  return all.filter((one, index) => all.findIndex((other) => sameScenario(one, other)) === index)
}

export function sameScenario(one: Scenario, other: Scenario): boolean {
  return one.hosts === other.hosts && one.latencyMs === other.latencyMs
}

/** The figures of a tool in a phase, where it was measured. */
export function figure(
  summaries: readonly Summary[],
  scenario: Scenario,
  tool: ToolName,
  phase: Phase,
): Summary | undefined {
  return summaries.find((one) => sameScenario(one, scenario) && one.tool === tool && one.phase === phase)
}
