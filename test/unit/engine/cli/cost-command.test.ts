import test from 'ava'
import { money } from '../../../../engine/cli/cost-command.ts'

const item = (hourly: number | undefined) => ({ name: 'vm1', role: 'kafka', what: 't3.small', hourly })

test('what has no price at all is not said to cost at least nothing', (t) => {
  const table = (...prices: (number | undefined)[]) => {
    const hourly = prices.reduce((sum: number, price) => sum + (price ?? 0), 0)
    const complete = !prices.includes(undefined)
    return money({ title: 'plan', items: prices.map(item), hourly, monthly: hourly * 730, complete })
  }

  t.is(table(0.5, 0.25), '0.7500 USD an hour, 547.50 a month')
  t.is(table(0.5, undefined), 'at least 0.5000 USD an hour, 365.00 a month')
  t.is(table(undefined, undefined), 'not known')
  t.is(table(), '0.0000 USD an hour, 0.00 a month')
})
