import test from 'ava'
import { costOf, declaredHosts, exampleCosts, ratesOf } from '../../../../../inventory/aws/cloud/cost.ts'
import { declarationOf } from '../../../../../inventory/aws/cloud/declaration.ts'
import prices from '../../../../../inventory/aws/cloud/prices.json' with { type: 'json' }
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

const regions = Object.entries<{ diskGbMonth: number; instanceHour: Record<string, Record<string, number>> }>(
  prices.regions,
)

test('every part of the table of prices says where it is from, and of which day', (t) => {
  t.deepEqual(Object.keys(prices.sources), ['instanceHour', 'diskGbMonth', 'publicAddressHour'])
  for (const { asOf, from } of Object.values(prices.sources)) {
    t.regex(asOf, /^\d{4}-\d\d-\d\d$/)
    t.regex(from, /AWS/)
  }
})

test('prices of EU (Frankfurt) are those that its price list says', (t) => {
  const { instanceHour, diskGbMonth } = ratesOf('eu-central-1', { instanceHour: {} })

  t.like(instanceHour, { 't3.small': 0.024, 't4g.small': 0.0192, 'm7g.large': 0.0978, 'g4dn.xlarge': 0.658 })
  t.is(diskGbMonth, 0.0952)
})

test('in every region of the table there is what "sluice up" makes, on Intel and on Arm, and a GPU', (t) => {
  for (const [region] of regions) {
    const { instanceHour } = ratesOf(region, { instanceHour: {} })
    for (const type of ['t3.small', 't4g.small', 'm7g.large', 'g4dn.xlarge']) {
      t.true((instanceHour[type] ?? 0) > 0, `${type} in ${region}`)
    }
  }
})

test('twice the size is twice the price where there is no GPU, to a tenth of a cent', (t) => {
  const sizes = ['micro', 'small', 'medium', 'large', 'xlarge', '2xlarge']
  for (const [region, { instanceHour }] of regions) {
    for (const [family, ofFamily] of Object.entries(instanceHour).filter(([name]) => !/^g\d/.test(name))) {
      for (const [index, size] of sizes.entries()) {
        const [price, next] = [ofFamily[size], ofFamily[sizes[index + 1] ?? '']]
        if (price === undefined || next === undefined) continue
        t.true(Math.abs(next - 2 * price) < 0.001, `${family} in ${region}: ${size} ${price}, then ${next}`)
      }
    }
  }
})

test('a gigabyte costs no less than in Virginia and no more than twice that, in every region', (t) => {
  for (const [region, { diskGbMonth }] of regions) t.true(diskGbMonth >= 0.08 && diskGbMonth <= 0.16, region)
})
