import test from 'ava'
import { costOf, declaredHosts, exampleCosts, ratesOf } from '../../../../../inventory/aws/cloud/cost.ts'
import { declarationOf } from '../../../../../inventory/aws/cloud/declaration.ts'
import { settingsWith } from '../cloud.ts'

const plan = (
  up: object,
  prices: Parameters<typeof ratesOf>[1] = { instanceHour: {} },
  region = 'us-east-1',
) => {
  const settings = settingsWith({})
  const declaration = declarationOf({ ...settings, up: { ...settings.up, ...up } })
  return costOf('plan', declaredHosts(declaration), ratesOf(region, prices))
}

test('four t3.small with 16 GB and a public address cost what the price list adds up to', (t) => {
  const { items, hourly, monthly, complete } = plan({})

  t.is(items.length, 4)
  t.is(hourly.toFixed(6), (4 * (0.0208 + 0.005 + (16 * 0.08) / 730)).toFixed(6))
  t.is(monthly.toFixed(2), '80.46')
  t.true(complete)
})

test('the examples are the four hosts, and the same with the GPU instance of 0.526 USD an hour', (t) => {
  const [four, gpu] = exampleCosts()

  t.is(four?.monthly.toFixed(2), '80.46')
  t.is(((gpu?.hourly ?? 0) - (four?.hourly ?? 0)).toFixed(4), (0.526 - 0.0208).toFixed(4))
})

test('prices of the user win over the table, those of a host over both', (t) => {
  const own = { instanceHour: { 't3.small': 0.01 }, diskGbMonth: 0, publicAddressHour: 0 }
  const hosts = { a: { role: 'kafka' }, b: { role: 'mongodb', pricePerHour: 0.5 } }

  t.is(plan({}, own).hourly.toFixed(4), '0.0400')
  t.is(plan({ hosts }, own).hourly.toFixed(4), '0.5100')
})

test('what has no price is no silent zero', (t) => {
  const unknownType = plan({ hosts: { a: { role: 'kafka', type: 'x9.huge' }, b: { role: 'mongodb' } } })
  const unknownRegion = plan({}, { instanceHour: {} }, 'mars-north-1')

  t.false(unknownType.complete)
  t.deepEqual(
    unknownType.items.map(({ hourly }) => hourly === undefined),
    [true, false],
  )
  t.false(unknownRegion.complete)
})

test('a stopped host pays for its disk only', (t) => {
  const host = {
    name: 'a',
    role: 'kafka',
    type: 't3.small',
    diskGb: 73,
    running: false,
    publicAddress: false,
  }

  t.is(costOf('now', [host], ratesOf('us-east-1', { instanceHour: {} })).hourly.toFixed(4), '0.0080')
})
