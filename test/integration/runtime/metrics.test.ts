import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import test from 'ava'
import type { Registry } from 'prom-client'
import { ProcessorMetrics } from '../../../runtime/processor/metrics.ts'
import { metricsOf } from '../../../runtime/producer/metrics.ts'
import { debianProgram } from '../../support/debian-program.ts'

const promtool = await debianProgram('prometheus', ['/usr/bin/promtool'])

/** What promtool says of metrics: nothing where they are as they should be. */
const remarks = async (registry: Registry) => judged(['check', 'metrics'], await registry.metrics())

async function judged(words: string[], input: string): Promise<string> {
  if ('missing' in promtool) throw new TypeError(promtool.missing)
  const child = spawn(promtool.path, words)
  const ended = new Promise((resolve) => child.once('close', resolve))
  child.stdin.end(input)
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

const operating = readFileSync(new URL('../../../docs/operating.md', import.meta.url), 'utf8')

withPromtool('the expressions that operators are given can be evaluated', async (t) => {
  const blocks = [...operating.matchAll(/```promql\n([^`]+)```/g)].map(([, lines = '']) => lines.trim())
  const rules = blocks
    .join('\n')
    .split('\n')
    .map((expr, index) => ({ record: `rule:${index}`, expr }))
  t.true(rules.length > 10)

  const directory = mkdtempSync(join(tmpdir(), 'sluice-rules-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const path = join(directory, 'rules.yml')
  writeFileSync(path, JSON.stringify({ groups: [{ name: 'operating', rules }] }))

  const said = await judged(['check', 'rules', path], '')

  t.regex(said, new RegExp(`SUCCESS: ${rules.length} rules found`))
  t.notRegex(said, /FAILED|exit code/)
})

test('every metric of ours that operators are told of is there', async (t) => {
  const outbox = {
    counts: { acknowledged: {}, recovered: {}, given_up: {} },
    fill: { bytes: 0, limitBytes: 1 },
  }
  const there = [new ProcessorMetrics().registry, metricsOf(outbox, [])].flatMap((registry) =>
    registry.getMetricsAsArray().map(({ name }) => name),
  )
  const named = [...operating.matchAll(/sluice_(?:processor|producer)_[a-z_]+/g)].map(([name]) =>
    name.replace(/_(bucket|count|sum)$/, ''),
  )

  t.true(named.length > 20)
  t.deepEqual(
    [...new Set(named)].filter((name) => !there.includes(name)),
    [],
  )
})
