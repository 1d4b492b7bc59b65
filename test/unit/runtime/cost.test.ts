import test from 'ava'
import { costPerToken, tokensPerSecond } from '../../../runtime/cost.ts'

test('a window of less than a second counts as one second', (t) => {
  t.is(tokensPerSecond(500, 0), 500)
  t.is(tokensPerSecond(500, 999), 500)
  t.is(tokensPerSecond(500, 1000), 500)
})

test('a longer window divides by its span', (t) => {
  t.is(tokensPerSecond(9000, 30_000), 300)
})

test('a token costs the price of an hour over the tokens of an hour', (t) => {
  t.is(costPerToken(0.85, 1000), 0.85 / 3_600_000)
  t.is(costPerToken(3.2, 320), 3.2 / (320 * 3600))
  t.is(costPerToken(0, 320), 0)
})

test('no tokens have no cost', (t) => {
  t.is(costPerToken(0.85, 0), null)
})
