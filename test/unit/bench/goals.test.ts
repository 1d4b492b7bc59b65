import test from 'ava'
import { goals } from '../../../bench/converge/goals.ts'
import { type Run, summarize } from '../../../bench/converge/summary.ts'
import type { Phase, ToolName } from '../../../bench/converge/tools.ts'

function run(hosts: number, tool: ToolName, phase: Phase, wallMs: number, memoryMb = 100): Run {
  return { hosts, latencyMs: 0, tool, phase, wallMs, cpuMs: 1, memoryMb }
}

function goal(runs: Run[], words: string) {
  return goals(summarize(runs)).find((one) => one.goal.includes(words))
}

test('nothing to change is judged against the floor, with every number of hosts', (t) => {
  const near = [run(4, 'sluice', 'nothing', 600), run(4, 'floor', 'nothing', 300)]
  const far = [run(16, 'sluice', 'nothing', 1900), run(16, 'floor', 'nothing', 900)]

  t.like(goal(near, 'the floor'), { measured: '2.00 × (4)', reached: true })
  t.like(goal([...near, ...far], 'the floor'), { measured: '2.00 × (4), 2.11 × (16)', reached: false })
})

test('a peer is to take many times as long', (t) => {
  const runs = [run(4, 'sluice', 'first', 5000), run(4, 'ansible', 'first', 39_000)]

  t.like(goal(runs, 'first run: ansible-core'), { measured: '7.80 × (4)', reached: false })
})

test('the time of a host is compared from four hosts upwards', (t) => {
  const runs = [1, 4, 16].map((hosts) => run(hosts, 'sluice', 'nothing', 300 + hosts * 50))

  t.like(goal(runs, 'does not grow'), { measured: '125 ms (4), 69 ms (16)', reached: true })
})

test('memory is judged where there are most hosts', (t) => {
  const runs = [run(4, 'sluice', 'nothing', 1, 300), run(32, 'sluice', 'nothing', 1, 180)]

  t.like(goal(runs, 'memory'), { measured: '180 MB (32)', reached: true })
})

test('what was not measured is not judged', (t) => {
  t.deepEqual(goals([]), [])
})
