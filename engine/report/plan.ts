import type { HostResult, PlannedChange } from '../events.ts'
import type { Paint } from './terminal.ts'
import { textDiff } from './text-diff.ts'
import { changeMark, changeText, count } from './wording.ts'

const colours = { '+': 'green', '-': 'red', '~': 'yellow', '?': 'cyan' } as const

/**
 * The changes of a run as a plan, hosts with equal ones together.
 * `+` comes, `~` is altered, `-` goes, `?` is decided after what it waits for.
 */
export function planLines(
  hosts: readonly HostResult[],
  { diff, paint }: { diff: boolean; paint: Paint },
): string[] {
  const groups = new Map<string, { names: string[]; changed: PlannedChange[] }>()
  for (const { host, changed } of hosts) {
    if (changed.length === 0) continue
    const key = JSON.stringify(changed.map((planned) => ({ ...planned, host: '' })))
    const group = groups.get(key) ?? { names: [], changed }
    group.names.push(host)
    groups.set(key, group)
  }
  return [...groups.values()].flatMap(({ names, changed }) => [
    `${paint('bold', names.join(', '))}  ${count(changed.length, 'change')}${names.length > 1 ? ' each' : ''}`,
    ...roleLines(changed, diff, paint),
    '',
  ])
}

function roleLines(changed: readonly PlannedChange[], diff: boolean, paint: Paint): string[] {
  return changed.flatMap((planned, index) => [
    ...(planned.role === changed[index - 1]?.role ? [] : [`  ${planned.role}`]),
    ...resourceLines(planned, diff, paint),
  ])
}

function resourceLines(planned: PlannedChange, diff: boolean, paint: Paint): string[] {
  const { resource, changes, after } = planned
  const mark = changeMark(planned)
  const inline =
    mark === '+' || mark === '-' || changes.length === 1 ? changes.map(changeText).join(', ') : ''
  const wait = after.length === 0 ? '' : `after: ${after.join(', ')}`
  const beside = [inline, wait].filter((part) => part !== '').join('; ')
  return [
    `  ${paint(colours[mark], mark)} ${resource}${beside === '' ? '' : paint('dim', `  ${beside}`)}`,
    ...(inline === '' ? changes.map((change) => `      ${changeText(change)}`) : []),
    ...(diff ? changes.flatMap((change) => textDiff(change, paint)).map((line) => `      ${line}`) : []),
  ]
}
