const digits = (text: string, from: number, to: number): number => {
  let value = 0
  for (let index = from; index < to; index += 1) {
    const digit = text.charCodeAt(index) - 48
    if (digit < 0 || digit > 9) return Number.NaN
    value = value * 10 + digit
  }
  return value
}

const daysInMonth = (year: number, month: number): number =>
  month === 2
    ? year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
      ? 29
      : 28
    : month === 4 || month === 6 || month === 9 || month === 11
      ? 30
      : 31

/** The first and last years that an event may be from: what lies outside is a broken clock or a unit mistaken. */
export const years = { first: 2000, last: 2099 }

/**
 * Milliseconds since 1970 of an RFC 3339 time in UTC (`2026-01-02T03:04:05.678Z`), or `undefined`.
 * Digits beyond the millisecond are cut off, because MongoDB keeps no more.
 */
export function parseTimestamp(text: string): number | undefined {
  // `Date.parse` takes many other forms and 30 February too, and costs several times as much.
  const end = text.length - 1
  if (end < 19 || end > 29 || text[end] !== 'Z') return undefined
  if (text[4] !== '-' || text[7] !== '-' || text[10] !== 'T' || text[13] !== ':' || text[16] !== ':') {
    return undefined
  }
  const year = digits(text, 0, 4)
  const month = digits(text, 5, 7)
  const day = digits(text, 8, 10)
  const hour = digits(text, 11, 13)
  const minute = digits(text, 14, 16)
  const second = digits(text, 17, 19)
  const plausible =
    year >= years.first &&
    year <= years.last &&
    month >= 1 &&
    month <= 12 &&
    day >= 1 &&
    day <= daysInMonth(year, month) &&
    hour <= 23 &&
    minute <= 59 &&
    second <= 59
  if (!plausible) return undefined
  const millisecond = parseFraction(text, end)
  if (millisecond === undefined) return undefined
  return Date.UTC(year, month - 1, day, hour, minute, second, millisecond)
}

function parseFraction(text: string, end: number): number | undefined {
  if (end === 19) return 0
  if (text[19] !== '.' || end === 20) return undefined
  if (Number.isNaN(digits(text, 20, end))) return undefined
  const kept = Math.min(end, 23)
  return digits(text, 20, kept) * 10 ** (23 - kept)
}
