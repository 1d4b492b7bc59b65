import test from 'ava'
import { createLog } from '../../../../runtime/log.ts'
import { ProcessorMetrics } from '../../../../runtime/processor/metrics.ts'
import { SplitGpus } from '../../../../runtime/processor/split-gpus.ts'

test('a GPU whose usage comes from several partitions, or topics, is counted and said once', async (t) => {
  const metrics = new ProcessorMetrics()
  const log = createLog('test', 'fatal', 'stderr')
  const said: unknown[] = []
  log.warn = ((fields: unknown) => said.push(fields)) as never
  const split = new SplitGpus(metrics, log)

  for (const place of ['token.usage.v1:3', 'token.usage.v1:3', 'token.usage.v1:4', 'tokens:4', 'tokens:3']) {
    split.note('gpu-1#0', place)
    split.note('gpu-2#0', 'tokens:7')
  }
  split.note('gpu-2#0', 'token.usage.v1:7')

  t.deepEqual(said, [
    { gpu: 'gpu-1#0', places: ['token.usage.v1:3', 'token.usage.v1:4'] },
    { gpu: 'gpu-2#0', places: ['tokens:7', 'token.usage.v1:7'] },
  ])
  t.is((await metrics.splitGpus.get()).values[0]?.value, 2)
})
