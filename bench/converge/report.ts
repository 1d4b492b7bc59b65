import { goals } from './goals.ts'
import type { Results } from './results.ts'
import { figure, type Scenario, type Summary, sameScenario, scenariosOf, summarize } from './summary.ts'
import { type Phase, phases, phaseTitles, type ToolName, toolNames, toolTitles } from './tools.ts'

/** The figures as a page of Markdown. */
export function report(results: Results): string {
  const summaries = summarize(results.runs)
  const versions = Object.entries(results.versions).map(([name, version]) => `${name} ${version}`)
  return [
    '# The same state, by Sluice and by others',
    '',
    'Each tool brings the same hosts to the same state: 3 packages, a group, a user, 10 directories, 15 rendered files,',
    '4 kernel settings, an sshd drop-in, 3 units, enabled and running. That all left the same state was checked on every',
    "host: `/etc`, `/srv` and `/usr/local` with owners, modes and digests, packages, units, live settings. Sluice's own",
    'record of what a unit loaded is the one thing left out. The floor is one `ssh` a host, all at once, each with one',
    'script that reads that state.',
    '',
    `- command: \`${results.command}\` (${results.date})`,
    `- machine: ${results.machine}`,
    `- versions: ${versions.join(', ')}`,
    '- wall time is that of the whole process, medians of several runs; processor time and memory are those of all',
    '  processes on the controller, memory the highest of all runs, shared pages counted once',
    ...loadLine(results),
    '- packages come from a directory on the hosts, so that a first run does not measure a mirror',
    '',
    '![wall times](converge.svg)',
    '',
    ...goalsTable(summaries),
    ...scenariosOf(summaries).flatMap((scenario) => scenarioSection(summaries, scenario)),
    ...advantageTable(summaries),
  ].join('\n')
}

/** Runs that change nothing take turns, so their ratios hold under any load; first runs do not. */
function loadLine({ runs }: Results): string[] {
  const loads = runs.flatMap(({ load }) => load ?? [])
  if (loads.length === 0) return []
  const [least, most] = [Math.min(...loads), Math.max(...loads)].map((load) => load.toFixed(1))
  return [`- load average of the machine when a run began: ${least} to ${most}`]
}

function goalsTable(summaries: readonly Summary[]): string[] {
  const rows = goals(summaries).map(({ goal, measured, reached }) => [goal, measured, reached ? 'yes' : 'no'])
  return rows.length === 0 ? [] : ['## Goals', '', ...table(['goal', 'measured', 'reached'], rows), '']
}

function scenarioSection(summaries: readonly Summary[], scenario: Scenario): string[] {
  const floor = figure(summaries, scenario, 'floor', 'nothing')
  const rows = toolNames.flatMap((tool) => {
    const of = (phase: Phase) => figure(summaries, scenario, tool, phase)
    const nothing = of('nothing')
    if (nothing === undefined) return []
    const memory = Math.max(...phases.map((phase) => of(phase)?.memoryMb ?? 0))
    return [
      [
        toolTitles[tool],
        ...phases.map((phase) => seconds(of(phase))),
        floor === undefined ? '' : `${ratio(nothing.wallMs, floor.wallMs)} ×`,
        ...(['first', 'nothing'] as const).map((phase) => cpuSeconds(of(phase))),
        `${memory.toFixed(0)} MB`,
        phases.map((phase) => of(phase)?.runs ?? '–').join(' / '),
      ],
    ]
  })
  const head = [
    'tool',
    ...phases.map((phase) => phaseTitles[phase]),
    'nothing / floor',
    'CPU, first run',
    'CPU, nothing',
    'peak memory',
    'runs',
  ]
  return [`## ${scenarioTitle(scenario)}`, '', ...table(head, rows), '']
}

/** How many times longer than Sluice the others took. */
function advantageTable(summaries: readonly Summary[]): string[] {
  const others = toolNames.filter((tool) => tool !== 'sluice' && tool !== 'floor')
  const rows = scenariosOf(summaries).flatMap((scenario) =>
    others.flatMap((tool) => {
      if (!summaries.some((one) => one.tool === tool && sameScenario(one, scenario))) return []
      return [
        [
          scenarioTitle(scenario),
          toolTitles[tool],
          ...phases.map((phase) => slower(summaries, scenario, tool, phase)),
        ],
      ]
    }),
  )
  if (rows.length === 0) return []
  const head = ['', 'takes … times as long as Sluice', ...phases.map((phase) => phaseTitles[phase])]
  return ['## Against Sluice', '', ...table(head, rows), '']
}

function slower(summaries: readonly Summary[], scenario: Scenario, tool: ToolName, phase: Phase): string {
  const [theirs, ours] = [
    figure(summaries, scenario, tool, phase),
    figure(summaries, scenario, 'sluice', phase),
  ]
  return theirs === undefined || ours === undefined ? '' : `${ratio(theirs.wallMs, ours.wallMs)} ×`
}

export function scenarioTitle({ hosts, latencyMs }: Scenario): string {
  const count = `${hosts} ${hosts === 1 ? 'host' : 'hosts'}`
  return latencyMs === 0 ? count : `${count}, ${latencyMs} ms away`
}

function seconds(summary: Summary | undefined): string {
  return summary === undefined ? '–' : `${(summary.wallMs / 1000).toFixed(2)} s`
}

function cpuSeconds(summary: Summary | undefined): string {
  return summary === undefined ? '–' : `${(summary.cpuMs / 1000).toFixed(2)} s`
}

export function ratio(one: number, other: number): string {
  const value = one / other
  return value < 10 ? value.toFixed(2) : value.toFixed(0)
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map((_, index) => (index === 0 ? '---' : '--:'))), ...rows.map(line)]
}
