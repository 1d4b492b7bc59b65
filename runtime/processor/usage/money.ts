/** An exact decimal as people write it: MongoDB writes very small and very large ones with an exponent. */
export function plainDecimal(written: string): string {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:E([+-]?\d+))?$/.exec(written)
  if (match === null) throw new TypeError(`${written} is not a decimal number`)
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match
  const digits = whole + fraction
  const point = whole.length + Number(exponent)
  const left = point <= 0 ? '0' : digits.slice(0, point).padEnd(point, '0')
  const right = point <= 0 ? '0'.repeat(-point) + digits : digits.slice(point)
  const trimmed = right.replace(/0+$/, '')
  const amount = left.replace(/^0+(?=\d)/, '') + (trimmed === '' ? '' : `.${trimmed}`)
  return amount === '0' ? '0' : sign + amount
}
