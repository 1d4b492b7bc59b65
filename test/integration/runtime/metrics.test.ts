import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import test from 'ava'
import { ProcessorMetrics } from '../../../runtime/processor/metrics.ts'
import { debianProgram } from '../../support/debian-program.ts'

test('promtool has nothing to say about /metrics', async (t) => {
  const promtool = await debianProgram('prometheus', ['/usr/bin/promtool'])
  if ('missing' in promtool) {
    t.log(`not tested: ${promtool.missing}`)
    t.pass()
    return
  }
  const metrics = new ProcessorMetrics()
  metrics.events.inc({ topic: 'token.usage.v1', result: 'stored' })
  metrics.deadLetters.inc({ topic: 'token.usage.v1' })
  metrics.deadLettersHeld.set({ topic: 'pipeline.dlq' }, 1)
  metrics.lag.set({ topic: 'token.usage.v1', partition: 3 }, 7)
  metrics.failures.inc({ service: 'mongodb' })

  const child = spawn(promtool.path, ['check', 'metrics'])
  const ended = new Promise((resolve) => child.once('close', resolve))
  child.stdin.end(await metrics.registry.metrics())
  const said = (await text(child.stdout)) + (await text(child.stderr))

  t.is(said, '')
  t.is(await ended, 0)
})
