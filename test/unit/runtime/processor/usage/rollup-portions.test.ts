import test from 'ava'
import type { Mark } from '../../../../../runtime/processor/usage/rollup-marks.ts'
import { bucketsOf, inPortions } from '../../../../../runtime/processor/usage/rollup-portions.ts'

const hour = Date.parse('2026-01-01T10:00:00Z')
const at = (minutes: number): Mark => {
  const time = hour + minutes * 60_000
  return { id: `${time}`, kind: 'usage', at: time, version: '' }
}
const minutes = (spans: { from: number; to: number }[] = []) =>
  spans.map(({ from, to }) => [(from - hour) / 60_000, (to - hour) / 60_000])

test('one clock that is late leaves what lies between alone', (t) => {
  const [portion, ...others] = inPortions([at(55), at(1), at(55.5), at(55 + 1 / 6)])

  t.is(others.length, 0)
  if (portion === undefined) return t.fail()
  const tenSeconds = 1 / 6
  t.deepEqual(minutes(bucketsOf(portion, '10s')), [
    [1, 1 + tenSeconds],
    [55, 55.5 + tenSeconds],
  ])
  t.deepEqual(minutes(bucketsOf(portion, 'minute')), [
    [1, 2],
    [55, 56],
  ])
  t.deepEqual(minutes(bucketsOf(portion, 'hour')), [[0, 60]])
  t.deepEqual(minutes(bucketsOf(portion, 'day')), [[-600, 840]])
})

test('marks of two hours and two kinds are portions of their own, the newest first', (t) => {
  const portions = inPortions([at(1), at(61), { ...at(2), kind: 'gpu' }])

  t.deepEqual(
    portions.map(({ kind, marks }) => [kind, marks.length]),
    [
      ['usage', 1],
      ['gpu', 1],
      ['usage', 1],
    ],
  )
})

test('every mark lies in the stretches of its portion', (t) => {
  const marks = Array.from({ length: 360 }, (_, place) => at(((place * 7919) % 360) / 6))
  for (const some of [marks, marks.slice(0, 40), marks.slice(0, 7)]) {
    const [portion] = inPortions(some)
    for (const mark of some) {
      t.true(portion?.stretches.some(({ from, to }) => mark.at >= from && mark.at < to))
    }
  }
})
