import { type ContenderName, contenderTitles } from './contenders.ts'
import { type SpeedRun, type SpeedSummary, summarizeSpeed } from './figures.ts'

const colours: Record<ContenderName, string> = {
  sluice: '#0b7285',
  connect: '#e67700',
  'connect-keyed': '#f08c00',
  python: '#6741d9',
  'insert-floor': '#868e96',
  'read-floor': '#adb5bd',
}

const width = 880
const labelWidth = 230
const rightMargin = 90
const rowHeight = 34
const head = 40

/** Documents a second as a picture: a bar for each, and a line from the slowest run to the fastest. */
export function pipelineChart(runs: readonly SpeedRun[]): string {
  const summaries = summarizeSpeed(runs).toSorted((one, other) => other.rate - one.rate)
  const most = Math.max(1, ...summaries.map(({ fastest }) => fastest))
  const scale = (rate: number) => (rate / most) * (width - labelWidth - rightMargin)
  const height = head + summaries.length * rowHeight + 14
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="12" fill="#212529">`,
    '<title>Documents a second at full speed</title>',
    '<rect width="100%" height="100%" rx="8" fill="#ffffff"/>',
    '<text x="20" y="26" font-weight="600" font-size="13">documents a second, everything on one machine</text>',
    ...summaries.map((summary, index) => bar(summary, head + index * rowHeight, scale)),
    '</svg>',
    '',
  ].join('\n')
}

function bar(
  { contender, rate, slowest, fastest }: SpeedSummary,
  top: number,
  scale: (rate: number) => number,
): string {
  const middle = top + rowHeight / 2
  const [from, to] = [labelWidth + scale(slowest), labelWidth + scale(fastest)].map((x) => x.toFixed(1))
  return [
    `<text x="20" y="${middle + 4}">${contenderTitles[contender]}</text>`,
    `<rect x="${labelWidth}" y="${top + 6}" width="${Math.max(1, scale(rate)).toFixed(1)}" height="${rowHeight - 12}" rx="3" fill="${colours[contender]}"/>`,
    `<line x1="${from}" x2="${to}" y1="${middle}" y2="${middle}" stroke="#212529"/>`,
    `<text x="${(labelWidth + scale(fastest) + 8).toFixed(1)}" y="${middle + 4}">${thousands(rate)}</text>`,
  ].join('\n')
}

const thousands = (rate: number): string => `${(rate / 1000).toFixed(rate < 10_000 ? 1 : 0)} k/s`
