import test from 'ava'
import { chart } from '../../../bench/converge/chart.ts'
import { report } from '../../../bench/converge/report.ts'
import type { Run } from '../../../bench/converge/summary.ts'

const common = { hosts: 4, latencyMs: 0, cpuMs: 400, memoryMb: 100 }
const runs: Run[] = [
  { ...common, tool: 'ansible', phase: 'nothing', wallMs: 40_000 },
  { ...common, tool: 'sluice', phase: 'nothing', wallMs: 600 },
  { ...common, tool: 'sluice', phase: 'nothing', wallMs: 800 },
  { ...common, tool: 'floor', phase: 'nothing', wallMs: 350 },
  { ...common, tool: 'sluice', phase: 'drift', wallMs: 770, latencyMs: 50 },
]

const page = report({
  runs,
  command: 'npm run bench:converge',
  date: '2026-01-02',
  machine: '2 cores',
  versions: { node: '24.0.0' },
})

test('the page says what made it, and on what', (t) => {
  for (const words of ['`npm run bench:converge` (2026-01-02)', 'machine: 2 cores', 'node 24.0.0']) {
    t.true(page.includes(words), words)
  }
})

test('a tool has a row with its medians, against the floor', (t) => {
  t.regex(page, /\| Sluice \| – \| 0\.70 s \| – \| 2\.00 × \|/)
})

test('a peer has a row that says how many times as long it took', (t) => {
  t.regex(page, /\| 4 hosts \| ansible-core \| +\| 57 × \| +\|/)
})

test('the chart has a dot for each figure and one for each tool in its legend', (t) => {
  const picture = chart(runs)

  t.is(picture.match(/<circle /g)?.length, 4 + 3)
  t.true(picture.startsWith('<svg ') && picture.trimEnd().endsWith('</svg>'))
  t.false(picture.includes('NaN'))
})

test('the page says what else the machine had to do', (t) => {
  const conditions = { command: '', date: '', machine: '', versions: {} }
  const loaded = runs.map((run, index) => ({ ...run, load: index + 0.5 }))

  t.true(
    report({ ...conditions, runs: loaded }).includes(
      'load average of the machine when a run began: 0.5 to 4.5',
    ),
  )
  t.false(page.includes('load average'))
})
