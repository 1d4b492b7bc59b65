import test from 'ava'
import fc from 'fast-check'
import { cutIntoBuckets, widthMs } from '../../../../../runtime/processor/usage/widths.ts'

const at = (written: string) => Date.parse(`${written}Z`)

test('a month is cut into days, with hours and minutes only at its ends', (t) => {
  const buckets = cutIntoBuckets({ from: at('2026-01-01T22:58'), to: at('2026-02-01T01:02') })

  t.deepEqual(
    buckets.map(({ width, from, to }) => [width, (to - from) / widthMs[width]]),
    [
      ['minute', 2],
      ['hour', 1],
      ['day', 30],
      ['hour', 1],
      ['minute', 2],
    ],
  )
})

test('a range inside one hour is cut into its minutes only', (t) => {
  const from = at('2026-01-01T10:05')
  const to = at('2026-01-01T10:50')

  t.deepEqual(cutIntoBuckets({ from, to }), [{ width: 'minute', from, to }])
})

test('the buckets of any range of minutes follow each other without a gap and fill it', (t) => {
  const minutes = fc.integer({ min: 0, max: 2_000_000 })
  fc.assert(
    fc.property(minutes, fc.integer({ min: 1, max: 200_000 }), (first, length) => {
      const from = first * widthMs.minute
      const to = from + length * widthMs.minute
      let end = from
      for (const bucket of cutIntoBuckets({ from, to })) {
        if (bucket.from !== end || bucket.from % widthMs[bucket.width] !== 0) return false
        end = bucket.to
      }
      return end === to
    }),
  )
  t.pass()
})
