import type { Host } from '../../engine/inventory.ts'
import type { Login } from './login.ts'

/** As much of what was read as can be worth a remark. */
export interface Remarkable {
  name: string
  login: Login
  /** Variables that were left out. */
  leftOut: readonly string[]
}

/** What Sluice has its own way for or cannot know, once each, with the hosts that say it. */
export function leftOutRemarks(all: readonly Remarkable[]): string[] {
  const said = all.flatMap(({ name, login }) => login.leftOut.map((argument) => ({ name, argument })))
  const bySsh = [...Map.groupBy(said, ({ argument }) => argument)].map(
    ([argument, some]) => `ssh's ${argument} is left out, Sluice has its own way there: ${namesOf(some)}`,
  )
  const unknowable = [...new Set(all.flatMap(({ leftOut }) => leftOut))]
  return unknowable.length === 0
    ? bySsh
    : [...bySsh, `left out, only Ansible can work them out: ${listed(unknowable)}`]
}

export function namesOf(all: readonly Pick<Host, 'name'>[]): string {
  return listed(all.map(({ name }) => name))
}

const most = 8

function listed(names: readonly string[]): string {
  const rest = names.length > most ? ` and ${names.length - most} more` : ''
  return `${names.slice(0, most).join(', ')}${rest}`
}
