import test from 'ava'
import { median, type Run, scenariosOf, summarize } from '../../../bench/converge/summary.ts'

const run: Run = {
  hosts: 4,
  latencyMs: 0,
  tool: 'sluice',
  phase: 'nothing',
  wallMs: 100,
  cpuMs: 50,
  memoryMb: 90,
}

test('the median is the middle one, or lies between the two middle ones', (t) => {
  t.is(median([30, 10, 20]), 20)
  t.is(median([40, 10, 20, 30]), 25)
})

test('runs of one tool in one phase become medians, and the highest memory', (t) => {
  const runs = [run, { ...run, wallMs: 300, memoryMb: 120 }, { ...run, wallMs: 110, cpuMs: 60 }]

  t.deepEqual(summarize(runs), [
    { ...run, wallMs: 110, cpuMs: 50, memoryMb: 120, runs: 3, fastestMs: 100, slowestMs: 300 },
  ])
})

test('other hosts, distances, tools and phases are kept apart', (t) => {
  const runs: Run[] = [
    run,
    { ...run, hosts: 16 },
    { ...run, latencyMs: 50 },
    { ...run, tool: 'floor' },
    { ...run, phase: 'drift' },
  ]

  t.is(summarize(runs).length, 5)
  t.deepEqual(scenariosOf(summarize(runs)), [
    { hosts: 4, latencyMs: 0 },
    { hosts: 16, latencyMs: 0 },
    { hosts: 4, latencyMs: 50 },
  ])
})
