import { scenarioTitle } from './report.ts'
import { figure, type Run, type Scenario, type Summary, scenariosOf, summarize } from './summary.ts'
import { type Phase, phases, phaseTitles, type ToolName, toolNames, toolTitles } from './tools.ts'

const colours: Record<ToolName, string> = {
  sluice: '#0b7285',
  ansible: '#c92a2a',
  mitogen: '#e67700',
  pyinfra: '#6741d9',
  floor: '#868e96',
}

const width = 880
const labelWidth = 170
const labelSpace = 30
const rightMargin = 40
const rowHeight = 38
const panelHead = 44
const legendHeight = 40

/** The wall times as a picture: a row for each number of hosts, a dot for each tool, on a scale of powers of ten. */
export function chart(runs: readonly Run[]): string {
  const summaries = summarize(runs)
  const walls = summaries.map(({ wallMs }) => wallMs / 1000)
  const scale = timeScale(Math.min(...walls), Math.max(...walls))
  const parts: string[] = []
  let top = legendHeight
  for (const phase of phases) {
    const scenarios = scenariosOf(summaries.filter((one) => one.phase === phase && one.tool !== 'floor'))
    if (scenarios.length === 0) continue
    parts.push(panel(summaries, phase, scenarios, scale, top))
    top += panelHead + scenarios.length * rowHeight
  }
  const shown = toolNames.filter((tool) => summaries.some((one) => one.tool === tool))
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${top + 10}" width="${width}" height="${top + 10}" font-family="system-ui, sans-serif" font-size="12" fill="#212529">`,
    `<title>Wall time of the whole process</title>`,
    `<rect width="100%" height="100%" rx="8" fill="#ffffff"/>`,
    legend(shown),
    ...parts,
    '</svg>',
    '',
  ].join('\n')
}

interface TimeScale {
  ticks: number[]
  at(seconds: number): number
}

function timeScale(least: number, most: number): TimeScale {
  const [from, to] = [Math.floor(Math.log10(least)), Math.ceil(Math.log10(most))]
  const decades = Math.max(1, to - from)
  const space = width - labelWidth - rightMargin
  return {
    ticks: Array.from({ length: decades + 1 }, (_, index) => 10 ** (from + index)),
    at: (seconds) => labelWidth + ((Math.log10(seconds) - from) / decades) * space,
  }
}

function legend(tools: readonly ToolName[]): string {
  const entry = (tool: ToolName, index: number) => {
    const x = 20 + index * 168
    return `<circle cx="${x}" cy="22" r="5" fill="${colours[tool]}"/><text x="${x + 11}" y="26">${toolTitles[tool]}</text>`
  }
  return tools.map(entry).join('\n')
}

function panel(
  summaries: readonly Summary[],
  phase: Phase,
  scenarios: readonly Scenario[],
  scale: TimeScale,
  top: number,
): string {
  const bottom = top + panelHead + scenarios.length * rowHeight - 8
  const ticks = scale.ticks.map((seconds) => {
    const x = scale.at(seconds).toFixed(1)
    return `<line x1="${x}" x2="${x}" y1="${top + 36}" y2="${bottom}" stroke="#dee2e6"/><text x="${x}" y="${top + 30}" text-anchor="middle" fill="#868e96" font-size="10">${seconds} s</text>`
  })
  const rows = scenarios.map((scenario, index) =>
    row(summaries, phase, scenario, scale, top + panelHead + index * rowHeight + 16),
  )
  const title = `<text x="20" y="${top + 20}" font-weight="600" font-size="13">${phaseTitles[phase]}</text>`
  return [title, ...ticks, ...rows].join('\n')
}

function row(
  summaries: readonly Summary[],
  phase: Phase,
  scenario: Scenario,
  scale: TimeScale,
  y: number,
): string {
  const measured = toolNames
    .flatMap((tool) => figure(summaries, scenario, tool, phase) ?? [])
    .toSorted((one, other) => one.wallMs - other.wallMs)
  let former = { x: 0, below: false }
  const dots = measured.map(({ tool, wallMs }) => {
    const x = scale.at(wallMs / 1000)
    // The number of a dot that is close to the one before goes below, where that one's is above.
    const below = x - former.x < labelSpace && !former.below
    former = { x, below }
    return dot(colours[tool], x, y, below, shortSeconds(wallMs / 1000))
  })
  return [
    `<text x="20" y="${y + 4}">${scenarioTitle(scenario)}</text>`,
    `<line x1="${labelWidth}" x2="${width - rightMargin}" y1="${y}" y2="${y}" stroke="#e9ecef"/>`,
    ...dots,
  ].join('\n')
}

function dot(colour: string, x: number, y: number, below: boolean, text: string): string {
  const at = x.toFixed(1)
  return `<circle cx="${at}" cy="${y}" r="5" fill="${colour}"/><text x="${at}" y="${below ? y + 16 : y - 8}" text-anchor="middle" font-size="10" fill="${colour}">${text}</text>`
}

function shortSeconds(seconds: number): string {
  return seconds < 10 ? seconds.toFixed(2) : seconds.toFixed(0)
}
