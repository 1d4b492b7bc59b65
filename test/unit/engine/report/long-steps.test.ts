import test from 'ava'
import { LongSteps } from '../../../../engine/report/long-steps.ts'

test('a step is said to be under way after 30 s, a minute, two minutes and so on', (t) => {
  const steps = new LongSteps()
  steps.begin('vm1', { role: 'kafka', what: 'package openjdk', time: 1000 })

  const said: number[] = []
  for (let second = 0; second <= 300; second += 5) {
    if (steps.due(1000 + second * 1000).length > 0) said.push(second)
  }

  t.deepEqual(said, [30, 60, 120, 240])
})

test('what has ended, or is begun just now, is not said', (t) => {
  const steps = new LongSteps()
  steps.begin('vm1', { role: 'kafka', what: 'package openjdk', time: 0 })
  steps.begin('vm2', { role: 'mongodb', what: 'archive mongodb', time: 0 })
  steps.end('vm1')
  steps.begin('vm2', { role: 'mongodb', what: 'unit mongod', time: 20_000 })

  t.deepEqual(steps.due(40_000), [])
  t.deepEqual(steps.due(51_000), [{ host: 'vm2', role: 'mongodb', what: 'unit mongod', forMs: 31_000 }])
})
