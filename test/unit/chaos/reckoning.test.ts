import test from 'ava'
import fc from 'fast-check'
import { costsOf, type LoggedToken } from '../../chaos/reckoning.ts'

const log = fc.uniqueArray(
  fc.record({
    id: fc.string({ minLength: 1, maxLength: 4 }),
    gpu: fc.constantFrom('vm4 0', 'vm4 1'),
    time: fc.integer({ min: 0, max: 120_000 }),
    tokens: fc.integer({ min: 0, max: 1000 }),
    price: fc.constant(0.85),
  }),
  { selector: ({ id }) => id, minLength: 1, maxLength: 30 },
)

test('an event that comes again, however late, changes no cost', (t) => {
  fc.assert(
    fc.property(log, fc.nat(), fc.nat(), (events: LoggedToken[], which, where) => {
      const again = events[which % events.length]
      if (again === undefined) throw new TypeError('there are events')
      const first = events.indexOf(again)
      const later = first + 1 + (where % (events.length - first))
      t.deepEqual(costsOf(events.toSpliced(later, 0, again)), costsOf(events))
    }),
  )
})

test('the rate is of the 30 s up to the event, and of what was logged before it', (t) => {
  const of = (id: string, time: number, tokens: number) => ({ id, gpu: 'vm4 0', time, tokens, price: 3.6 })

  const costs = costsOf([of('a', 0, 100), of('b', 10_000, 200), of('late', 5000, 50), of('c', 30_001, 400)])

  t.deepEqual(
    [...costs].map(([id, { tps }]) => [id, tps]),
    [
      ['a', 100],
      ['b', 30],
      ['late', 30],
      ['c', 650 / 25.001],
    ],
  )
  t.is(costs.get('a')?.cost_per_token, 3.6 / (100 * 3600))
})
