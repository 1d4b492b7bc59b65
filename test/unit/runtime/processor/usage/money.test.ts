import test from 'ava'
import { plainDecimal } from '../../../../../runtime/processor/usage/money.ts'

for (const [written, plain] of [
  ['0', '0'],
  ['0E-12', '0'],
  ['1.500000000000', '1.5'],
  ['12345678901234567890.123456789012', '12345678901234567890.123456789012'],
  ['1E-12', '0.000000000001'],
  ['1.23E-7', '0.000000123'],
  ['1.2E+3', '1200'],
  ['-0.10', '-0.1'],
] as const) {
  test(`${written} is written as ${plain}`, (t) => {
    t.is(plainDecimal(written), plain)
  })
}
