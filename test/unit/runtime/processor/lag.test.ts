import test from 'ava'
import type { Admin } from 'kafkajs'
import { createLog } from '../../../../runtime/log.ts'
import { LagMeasure } from '../../../../runtime/processor/lag.ts'
import { ProcessorMetrics } from '../../../../runtime/processor/metrics.ts'

test('a lag that cannot be measured is no number that stands still, and is said once', async (t) => {
  let away = false
  const answer = async <Answer>(value: Answer): Promise<Answer> => {
    if (away) throw new Error('Kafka is away')
    return value
  }
  const admin = {
    connect: async () => undefined,
    fetchOffsets: () => answer([{ topic: 'a', partitions: [{ partition: 0, offset: '3', metadata: null }] }]),
    fetchTopicOffsets: () => answer([{ partition: 0, low: '0', high: '10', offset: '10' }]),
  } satisfies Partial<Admin>
  const metrics = new ProcessorMetrics()
  const said: string[] = []
  const log = createLog('test', 'fatal', 'stderr')
  log.warn = ((_: object, message: string) => said.push(message)) as never
  log.info = ((message: string) => said.push(message)) as never
  const measure = new LagMeasure(
    admin as unknown as Admin,
    { group: 'g', topics: ['a'], deadLetterTopic: 'dlq', assigned: () => new Set(['a:0']) },
    { metrics, log },
  )
  const numbers = async () => {
    const lines = (await metrics.registry.metrics()).split('\n')
    return lines.filter((line) => /^sluice_processor_(lag|dead_letter_topic)_messages\{/.test(line))
  }

  await measure.take()
  t.deepEqual(await numbers(), [
    'sluice_processor_dead_letter_topic_messages{topic="dlq"} 10',
    'sluice_processor_lag_messages{topic="a",partition="0"} 7',
  ])
  away = true
  await measure.take()
  await measure.take()
  t.deepEqual(await numbers(), [])
  away = false
  await measure.take()
  t.is((await numbers()).length, 2)

  t.deepEqual(said, ['the lag cannot be measured: its metrics are not there', 'the lag is measured again'])
})
