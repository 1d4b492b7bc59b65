import { isRemoval, type Mode, type PlannedChange } from '../events.ts'
import type { Change } from '../resource.ts'
import { printable } from './terminal.ts'

/** A duration as a person reads it: `120 ms`, `4.2 s`, `1 min 12 s`, `2 h 5 min`. */
export function duration(milliseconds: number): string {
  if (milliseconds < 999.5) return `${Math.round(milliseconds)} ms`
  if (milliseconds < 59_950) return `${(milliseconds / 1000).toFixed(1)} s`
  const seconds = Math.round(milliseconds / 1000)
  if (seconds >= 3600) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}

/** The time of day, to the second. */
export function clock(time: Date): string {
  return time.toTimeString().slice(0, 8)
}

/** `1 host`, `3 hosts`. */
export function count(number: number, noun = 'host'): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

export type ChangeMark = '+' | '-' | '~' | '?'

/** Which kind of change a plan's line is: something comes, goes, is altered, or cannot be told yet. */
export function changeMark({ changes }: Pick<PlannedChange, 'changes'>): ChangeMark {
  if (changes.length === 0) return '?'
  if (changes.every(({ have }) => have === undefined)) return '+'
  if (changes.every(({ want }) => want === undefined)) return '-'
  return '~'
}

/** A change in a few words: `mode 0644 → 0640`, `content 412 bytes`, `state present → absent`. */
export function changeText({ property, have, want }: Change): string {
  if (have === undefined) return `${property} ${oneLine(want ?? 'absent')}`
  return `${property} ${oneLine(have)} → ${oneLine(want ?? 'absent')}`
}

/** What has been done, for a mode: `changed`, `removed`. */
export function doneWord(mode: Mode): string {
  return isRemoval(mode) ? 'removed' : 'changed'
}

/** What a check says of it. */
export function dueWord(mode: Mode): string {
  return isRemoval(mode) ? 'to remove' : 'to change'
}

const longestValue = 100

function oneLine(value: string): string {
  const [first = '', ...rest] = printable(value).split('\n')
  const line = rest.some((text) => text !== '') ? `${first} …` : first
  return line.length > longestValue ? `${line.slice(0, longestValue)}…` : line
}
