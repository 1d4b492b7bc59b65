import test from 'ava'
import { restAfter } from '../../../../../runtime/processor/usage/rollup-pace.ts'

test('sums take little while messages wait, and more once they are a minute behind, so that they catch up', (t) => {
  t.is(restAfter(10, { busy: true, behindMs: 4000 }), 240)
  t.is(restAfter(10, { busy: false, behindMs: 4000 }), 30)
  t.is(restAfter(10, { busy: true, behindMs: 61_000 }), 80)
  t.is(restAfter(10, { busy: false, behindMs: 61_000 }), 10)
})
