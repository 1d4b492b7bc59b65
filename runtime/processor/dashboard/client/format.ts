const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const three = new Intl.NumberFormat('en', { maximumSignificantDigits: 3, minimumSignificantDigits: 3 })
const precise = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 })

/** A number as short as can be read at a glance: 12.3 k, 4.56 M. */
export function short(value: number): string {
  const size = Math.abs(value)
  if (size >= 1e12) return `${precise.format(value / 1e12)} T`
  if (size >= 1e9) return `${precise.format(value / 1e9)} G`
  if (size >= 1e6) return `${precise.format(value / 1e6)} M`
  if (size >= 1e4) return `${precise.format(value / 1e3)} k`
  return size >= 100 || Number.isInteger(value) ? grouped.format(value) : precise.format(value)
}

/** A whole number with all its digits. */
export const whole = (value: number): string => grouped.format(value)

/** US dollars, with as many places as the amount needs. */
export function dollars(value: number): string {
  const size = Math.abs(value)
  if (size === 0) return '$0'
  if (size >= 10_000) return `$${short(value)}`
  if (size >= 1) return `$${value.toFixed(2)}`
  return `$${three.format(value)}`
}

export const percent = (share: number): string => `${Math.round(share * 100)} %`

/** A length of time in its largest unit. */
export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`
  if (seconds < 129_600) return `${Math.round(seconds / 3600)} h`
  return `${Math.round(seconds / 86_400)} d`
}
