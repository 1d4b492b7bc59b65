import type { HostResult, PlannedChange } from '../events.ts'
import type { Paint } from './terminal.ts'
import { textDiff } from './text-diff.ts'
import { type ChangeMark, changeMark, changeText, count } from './wording.ts'

const colours = { '+': 'green', '-': 'red', '~': 'yellow', '?': 'cyan' } as const

/**
 * The changes of a run as a plan, hosts with equal ones together.
 * `+` comes, `~` is altered, `-` goes, `?` is decided after what it waits for.
 */
export function planLines(
  hosts: readonly HostResult[],
  { diff, paint }: { diff: boolean; paint: Paint },
): string[] {
  const groups = new Map<string, { names: string[]; changed: PlannedChange[]; undecided: PlannedChange[] }>()
  for (const { host, changed, undecided = [] } of hosts) {
    if (changed.length + undecided.length === 0) continue
    const key = JSON.stringify([...changed, ...undecided].map((planned) => ({ ...planned, host: '' })))
    const group = groups.get(key) ?? { names: [], changed, undecided }
    group.names.push(host)
    groups.set(key, group)
  }
  return [...groups.values()].flatMap(({ names, changed, undecided }) => [
    `${paint('bold', names.join(', '))}  ${count(changed.length, 'change')}${names.length > 1 ? ' each' : ''}`,
    ...roleLines(changed, diff, paint),
    ...(undecided.length === 0 ? [] : ['  decided in the run']),
    ...undecided.flatMap((planned) => resourceLines(planned, diff, paint, '?')),
    '',
  ])
}

function roleLines(changed: readonly PlannedChange[], diff: boolean, paint: Paint): string[] {
  return changed.flatMap((planned, index) => [
    ...(planned.role === changed[index - 1]?.role ? [] : [`  ${planned.role}`]),
    ...resourceLines(planned, diff, paint),
  ])
}

function resourceLines(
  planned: PlannedChange,
  diff: boolean,
  paint: Paint,
  mark: ChangeMark = changeMark(planned),
): string[] {
  const { resource, changes, after } = planned
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
