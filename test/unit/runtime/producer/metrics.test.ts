import test from 'ava'
import { metricsOf } from '../../../../runtime/producer/metrics.ts'
import { noCounts } from '../../../../runtime/producer/outbox.ts'

test('losses are counted from 0 on, so that an alarm on their increase sees the first one', async (t) => {
  const outbox = { counts: noCounts(), fill: { bytes: 0, limitBytes: 10 } }
  const registry = metricsOf(outbox, ['token.usage.v1'])
  const given = async () =>
    (await registry.metrics()).split('\n').filter((line) => line.includes('result="given_up"'))

  t.deepEqual(await given(), [
    'sluice_producer_events_total{topic="token.usage.v1",result="given_up"} 0',
    'sluice_producer_events_total{topic="unknown",result="given_up"} 0',
  ])
  outbox.counts.given_up['token.usage.v1'] = 2
  t.is((await given())[0], 'sluice_producer_events_total{topic="token.usage.v1",result="given_up"} 2')
})
