import { SluiceError } from '../../engine/errors.ts'
import { differences } from './host-state.ts'
import type { BenchOptions } from './options.ts'
import { scenarioTitle } from './report.ts'
import { Site, type SiteSettings } from './site.ts'
import { median, type Run, type Scenario } from './summary.ts'
import { type Phase, phaseTitles, type ToolName, toolTitles } from './tools.ts'

/** How often, and for how long, a figure is taken. */
export type Limits = Pick<BenchOptions, 'runs' | 'budget'>

export interface ScenarioSettings extends SiteSettings {
  tools: readonly ToolName[]
  limits: Limits
  signal: AbortSignal
}

/**
 * Measures the tools under the same conditions. Each has its first runs on hosts that nothing has touched, and leaves
 * the same state as the others. The other runs take turns on the same hosts, so that what else the machine does meanwhile
 * meets all of them.
 *
 * @throws SluiceError LAB_FAILED when a tool fails, changes what it should not, or leaves another state than the others
 */
export async function measureScenario(scenario: Scenario, settings: ScenarioSettings): Promise<Run[]> {
  const { tools } = settings
  const runs: Run[] = []
  let reference: { tool: ToolName; state: Map<string, string> } | undefined
  let site: Site | undefined
  try {
    for (const tool of inOrderOfFirstRuns(tools)) {
      const counter = new Counter(settings.limits)
      while (counter.again()) {
        site?.close()
        settings.signal.throwIfAborted()
        site = await Site.open(scenario, settings)
        runs.push(counter.count(await site.run(tool, 'first')))
      }
      say(settings, scenario, runs, tool, 'first')
      const state = await site?.state()
      if (state === undefined) throw new TypeError('a tool has at least one first run')
      if (reference !== undefined) mustBeAlike(reference, { tool, state })
      reference ??= { tool, state }
    }
    if (site === undefined || reference === undefined) return runs
    for (const phase of ['nothing', 'drift'] as const) {
      runs.push(...(await takeTurns(site, scenario, phase, settings)))
    }
    const last = tools.at(-1) ?? reference.tool
    mustBeAlike(reference, { tool: last, state: await site.state() })
    return runs
  } finally {
    site?.close()
  }
}

/** Sluice comes last: on hosts that another tool converged it would add its record of what units loaded. */
function inOrderOfFirstRuns(tools: readonly ToolName[]): ToolName[] {
  const peers = tools.filter((tool) => tool !== 'floor' && tool !== 'sluice')
  return tools.includes('sluice') ? [...peers, 'sluice'] : peers
}

async function takeTurns(
  site: Site,
  scenario: Scenario,
  phase: Exclude<Phase, 'first'>,
  settings: ScenarioSettings,
): Promise<Run[]> {
  const runs: Run[] = []
  const counters = settings.tools
    .filter((tool) => phase !== 'drift' || tool !== 'floor')
    .map((tool) => ({ tool, counter: new Counter(settings.limits) }))
  for (let due = counters; due.length > 0; due = due.filter(({ counter }) => counter.again())) {
    for (const { tool, counter } of due) {
      settings.signal.throwIfAborted()
      runs.push(counter.count(await site.run(tool, phase)))
    }
  }
  for (const { tool } of counters) say(settings, scenario, runs, tool, phase)
  return runs
}

/** Counts the runs of one figure until there are enough, or they took long enough. */
class Counter {
  readonly #limits: Limits
  #runs = 0
  #spentMs = 0

  constructor(limits: Limits) {
    this.#limits = limits
  }

  again(): boolean {
    return this.#runs === 0 || (this.#runs < this.#limits.runs && this.#spentMs < this.#limits.budget * 1000)
  }

  count(run: Run): Run {
    this.#runs++
    this.#spentMs += run.wallMs
    return run
  }
}

function say(
  { progress }: ScenarioSettings,
  scenario: Scenario,
  runs: readonly Run[],
  tool: ToolName,
  phase: Phase,
): void {
  const walls = runs.filter((run) => run.tool === tool && run.phase === phase).map(({ wallMs }) => wallMs)
  progress(
    `${scenarioTitle(scenario)}: ${toolTitles[tool]}, ${phaseTitles[phase]}: ${(median(walls) / 1000).toFixed(2)} s (${walls.length} runs)`,
  )
}

interface Left {
  tool: ToolName
  state: ReadonlyMap<string, string>
}

function mustBeAlike(one: Left, other: Left): void {
  const found = differences(one.state, other.state)
  if (found.length === 0) return
  throw new SluiceError('LAB_FAILED', {
    subject: `${toolTitles[one.tool]} (-) and ${toolTitles[other.tool]} (+) did not leave the same state`,
    why: found.slice(0, 40).join('\n'),
    advice: 'correct what the one that is wrong declares: figures for different work cannot be compared',
  })
}
