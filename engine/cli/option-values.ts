import { InvalidArgumentError } from 'commander'
import type { StartAt } from '../host-survey.ts'
import { parseShare, type Share } from '../share.ts'

/** A parser for a whole number of this range. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = Number(text)
    if (/^\d+$/.test(text) && number >= least && number <= most) return number
    throw new InvalidArgumentError(`It should be a whole number from ${least} to ${most}.`)
  }
}

/** A parser for a number of hosts or a share of them, of at least so many. */
export function share(least: number): (text: string) => Share {
  return (text) => {
    const parsed = parseShare(text)
    if (parsed !== undefined && Object.values(parsed).every((number) => number >= least)) return parsed
    throw new InvalidArgumentError(
      `It should be a number of hosts such as 2, or a share of them such as 25%.`,
    )
  }
}

/** Parses a role, or role/resource. */
export function startAt(text: string): StartAt {
  const [, role, resource] = /^([a-z0-9-]+)(?:\/(.+))?$/s.exec(text) ?? []
  if (role === undefined) throw new InvalidArgumentError('It should be a role, or role/resource.')
  return { role, ...(resource !== undefined && { resource }) }
}

/** Gathers what is typed several times. */
export function repeated(text: string, before: string[]): string[] {
  return [...before, text]
}

/** Gathers what is typed with commas between: at least one name. */
export function listed(text: string, before: string[]): string[] {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  if (names.length === 0) throw new InvalidArgumentError('It should be a name, or several with "," between.')
  return [...before, ...names]
}
