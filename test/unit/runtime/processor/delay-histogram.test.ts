import test from 'ava'
import fc from 'fast-check'
import { Histogram, Registry } from 'prom-client'
import { DelayHistogram } from '../../../../runtime/processor/delay-histogram.ts'

const described = { name: 'delay_seconds', help: 'How long it took', buckets: [0.01, 0.5, 2] }

test('many delays taken at once read as those that prom-client takes one by one', async (t) => {
  const now = 1_000_000
  const delays = fc.oneof(fc.integer({ min: -50, max: 5000 }), fc.constantFrom(0, 10, 500, 2000, 2001))
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(delays)), async (batches) => {
      const registry = new Registry()
      const theirs = new Registry()
      const delay = new DelayHistogram({ ...described, registry })
      const histogram = new Histogram({ ...described, registers: [theirs] })

      for (const batch of batches) {
        delay.observeSince(
          batch.map((each) => now - each),
          now,
        )
        for (const each of batch) histogram.observe(Math.max(0, each) / 1000)
      }

      t.is(await registry.metrics(), await theirs.metrics())
    }),
  )
})
