const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'

/** A pattern that Ansible does not take; the message says why. */
export class PatternError extends Error {}

/**
 * The hosts that a pattern such as `web[01:20].example.org:2222` stands for.
 *
 * @throws PatternError
 */
export function expandHostPattern(pattern: string): { names: string[]; port: number | undefined } {
  const match = /^\[([^[\]]+)\]:(\d+)$/.exec(pattern) ?? /^((?:[^:[\]]|\[[^\]]*\])+):(\d+)$/.exec(pattern)
  const [, place = pattern, port] = match ?? []
  if (place.endsWith(':') && port === undefined) {
    throw new PatternError(`"${pattern}" should not end in ":"`)
  }
  return { names: expandRanges(place), port: port === undefined ? undefined : Number(port) }
}

function expandRanges(text: string): string[] {
  const match = /^([^[]*)\[([^\]]*:[^\]]*)\](.*)$/.exec(text)
  if (match === null) return [text]
  const [, head = '', range = '', tail = ''] = match
  const tails = expandRanges(tail)
  return membersOf(range).flatMap((member) => tails.map((rest) => `${head}${member}${rest}`))
}

function membersOf(range: string): string[] {
  const [first = '', last = '', step = '1', ...more] = range.split(':')
  const by = Number(step)
  const wrong = (why: string) => new PatternError(`the range [${range}] ${why}`)
  if (more.length > 0 || last === '') throw wrong('should be [first:last] or [first:last:step]')
  if (!/^\d+$/.test(step) || by < 1) throw wrong('should have a step of at least 1')
  const ends = [letters.indexOf(first), letters.indexOf(last)]
  if (first.length === 1 && last.length === 1 && ends.every((end) => end >= 0)) {
    return numbers(ends[0] ?? 0, ends[1] ?? 0, by, wrong).map((index) => letters.charAt(index))
  }
  const begin = first === '' ? '0' : first
  if (![begin, last].every((end) => /^\d+$/.test(end)))
    throw wrong('should be of numbers or of single letters')
  const width = begin.length > 1 && begin.startsWith('0') ? begin.length : 0
  if (width > 0 && width !== last.length) throw wrong('should have ends of the same length')
  return numbers(Number(begin), Number(last), by, wrong).map((number) => String(number).padStart(width, '0'))
}

function numbers(first: number, last: number, step: number, wrong: (why: string) => PatternError): number[] {
  if (first > last) throw wrong('should not go backwards')
  if ((last - first) / step > 10_000) throw wrong('should have fewer members')
  return Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, index) => first + index * step)
}
