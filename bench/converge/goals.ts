import { figure, type Scenario, type Summary, scenariosOf } from './summary.ts'
import type { Phase, ToolName } from './tools.ts'

/** What Sluice is to reach, and what it did. */
export interface Goal {
  goal: string
  measured: string
  reached: boolean
}

/** How many times a peer's time Sluice's should fit into it. */
const advantages: { tool: ToolName; phase: Phase; words: string; least: number }[] = [
  { tool: 'ansible', phase: 'nothing', words: 'nothing to change: ansible-core takes', least: 50 },
  { tool: 'mitogen', phase: 'nothing', words: 'nothing to change: Mitogen takes', least: 20 },
  { tool: 'pyinfra', phase: 'nothing', words: 'nothing to change: pyinfra takes', least: 7 },
  { tool: 'ansible', phase: 'first', words: 'first run: ansible-core takes', least: 8 },
  { tool: 'pyinfra', phase: 'first', words: 'first run: pyinfra takes', least: 2 },
]

/** The goals for which there are figures: ratios by the number of hosts, all of which have to do. */
export function goals(summaries: readonly Summary[]): Goal[] {
  const near = scenariosOf(summaries).filter(({ latencyMs }) => latencyMs === 0)
  const wall = (scenario: Scenario, tool: ToolName, phase: Phase) =>
    figure(summaries, scenario, tool, phase)?.wallMs
  const ratios = (over: [ToolName, Phase], under: [ToolName, Phase]) =>
    near.flatMap((scenario) => {
      const [one, other] = [wall(scenario, ...over), wall(scenario, ...under)]
      return one === undefined || other === undefined ? [] : { hosts: scenario.hosts, value: one / other }
    })
  return [
    most(
      'nothing to change: at most 2.0 × the floor',
      ratios(['sluice', 'nothing'], ['floor', 'nothing']),
      2,
    ),
    most(
      'one drifted file: at most 1.3 × nothing to change',
      ratios(['sluice', 'drift'], ['sluice', 'nothing']),
      1.3,
    ),
    ...advantages.map(({ tool, phase, words, least }) =>
      atLeast(`${words} at least ${least} × as long`, ratios([tool, phase], ['sluice', phase]), least),
    ),
    growth(summaries, near),
    memory(summaries, near),
  ].filter((goal) => goal !== undefined)
}

type Ratios = { hosts: number; value: number }[]

function most(goal: string, ratios: Ratios, limit: number): Goal | undefined {
  return judged(goal, ratios, (value) => value <= limit)
}

function atLeast(goal: string, ratios: Ratios, limit: number): Goal | undefined {
  return judged(goal, ratios, (value) => value >= limit)
}

function judged(goal: string, ratios: Ratios, fits: (value: number) => boolean): Goal | undefined {
  if (ratios.length === 0) return undefined
  const measured = ratios
    .map(({ hosts, value }) => `${value.toFixed(value < 10 ? 2 : 0)} × (${hosts})`)
    .join(', ')
  return { goal, measured, reached: ratios.every(({ value }) => fits(value)) }
}

/** The time of a host in a run of many, where the start of the program is shared by all. */
function growth(summaries: readonly Summary[], near: readonly Scenario[]): Goal | undefined {
  const perHost = near.flatMap((scenario) => {
    const whole = figure(summaries, scenario, 'sluice', 'nothing')
    return scenario.hosts < 4 || whole === undefined
      ? []
      : { hosts: scenario.hosts, ms: whole.wallMs / scenario.hosts }
  })
  const [first, ...more] = perHost
  if (first === undefined || more.length === 0) return undefined
  return {
    goal: `nothing to change: the time of a host does not grow with their number`,
    measured: perHost.map(({ hosts, ms }) => `${ms.toFixed(0)} ms (${hosts})`).join(', '),
    reached: more.every(({ ms }) => ms <= first.ms),
  }
}

function memory(summaries: readonly Summary[], near: readonly Scenario[]): Goal | undefined {
  const largest = near.toSorted((one, other) => other.hosts - one.hosts)[0]
  const used = summaries.filter(
    ({ tool, hosts, latencyMs }) => tool === 'sluice' && hosts === largest?.hosts && latencyMs === 0,
  )
  if (largest === undefined || used.length === 0) return undefined
  const peak = Math.max(...used.map(({ memoryMb }) => memoryMb))
  return {
    goal: 'peak memory of the controller below 200 MB',
    measured: `${peak.toFixed(0)} MB (${largest.hosts})`,
    reached: peak < 200,
  }
}
