import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import test from 'ava'
import type { Registry } from 'prom-client'
import { ProcessorMetrics } from '../../../runtime/processor/metrics.ts'
import { metricsOf } from '../../../runtime/producer/metrics.ts'
import { debianProgram } from '../../support/debian-program.ts'

const promtool = await debianProgram('prometheus', ['/usr/bin/promtool'])

/** What promtool says of metrics: nothing where they are as they should be. */
async function remarks(registry: Registry): Promise<string> {
  if ('missing' in promtool) throw new TypeError(promtool.missing)
  const child = spawn(promtool.path, ['check', 'metrics'])
  const ended = new Promise((resolve) => child.once('close', resolve))
  child.stdin.end(await registry.metrics())
  const said = (await text(child.stdout)) + (await text(child.stderr))
  return (await ended) === 0 ? said : `${said}, exit code ${await ended}`
}

const withPromtool = 'missing' in promtool ? test.skip : test

withPromtool('promtool has nothing to say about /metrics', async (t) => {
  const metrics = new ProcessorMetrics()
  metrics.events.inc({ topic: 'token.usage.v1', result: 'stored' })
  metrics.deadLetters.inc({ topic: 'token.usage.v1' })
  metrics.deadLettersHeld.set({ topic: 'pipeline.dlq' }, 1)
  metrics.lag.set({ topic: 'token.usage.v1', partition: 3 }, 7)
  metrics.httpSeconds.observe({ route: '/gpu/info', status: 200 }, 0.003)
  metrics.failures.inc({ service: 'mongodb' })

  t.is(await remarks(metrics.registry), '')
})

withPromtool('promtool has nothing to say about the file of a producer', async (t) => {
  const counts = { acknowledged: { 'token.usage.v1': 3 }, recovered: {}, given_up: { 'gpu.metrics.v1': 1 } }

  t.is(await remarks(metricsOf({ counts, fill: { bytes: 5, limitBytes: 10 } }, ['token.usage.v1'])), '')
})
