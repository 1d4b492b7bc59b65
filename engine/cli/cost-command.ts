import { SluiceError } from '../errors.ts'
import { cloudOf, cloudOptions } from './cloud.ts'
import type { CloudControls, CostTable } from './cloud-controls.ts'
import { columns } from './columns.ts'
import { exitCodes } from './exit-codes.ts'
import type { CostOptions } from './options.ts'
import { inventoryChoice, type Session } from './session.ts'

/** What the hosts of an inventory would cost, what those cost that are there, and two examples to compare with. */
export async function costCommand(session: Session, options: CostOptions): Promise<number> {
  const costOf = await pricing(session, options)
  const { diskGb, type } = options
  const report = await costOf(
    cloudOptions(session, { ...(type !== undefined && { type }), ...(diskGb !== undefined && { diskGb }) }),
  )
  const { print } = session
  if (options.json) {
    print(JSON.stringify(report))
    return exitCodes.converged
  }
  const { plan, running, notAsked, examples, currency, source } = report
  for (const line of tableLines(plan)) print(line)
  if (running === undefined) print(`there now: not asked, ${notAsked}\n`)
  else if (running.items.length === 0) print(`${running.title}: nothing, so it costs nothing\n`)
  else for (const line of tableLines(running)) print(line)
  for (const example of examples) print(`${example.title}: ${money(example)}`)
  print(`\n${currency}, without tax and traffic. Prices: ${source}.`)
  return exitCodes.converged
}

/** A table's total in a few words. */
export function money({ items, hourly, monthly, complete }: CostTable): string {
  if (items.length > 0 && items.every((item) => item.hourly === undefined)) return 'not known'
  return `${complete ? '' : 'at least '}${amount(hourly)} USD an hour, ${monthly.toFixed(2)} a month`
}

async function pricing(session: Session, options: CostOptions): Promise<Required<CloudControls>['cost']> {
  const cloud = await cloudOf(session, options)
  if (cloud?.cost !== undefined) return cloud.cost
  const choice = inventoryChoice(session, options.inventory)
  const priced = session.registry.inventories.filter((entry) => entry.cloud?.costs)
  // The inventory of last resort costs nothing; what is asked for is the one that does.
  const only = choice.from === 'the default' ? await priced[0]?.cloud?.load() : undefined
  if (only?.cost !== undefined) return only.cost
  throw new SluiceError('USAGE', {
    subject: `the hosts of ${choice.name} have no prices`,
    at: choice.from,
    advice: `name an inventory that costs: ${priced.map(({ name }) => `-i ${name}`).join(', ')}`,
  })
}

function tableLines({ title, items, ...total }: CostTable): string[] {
  const rows = items.map(({ name, role, what, hourly }) => [
    name,
    role,
    what,
    hourly === undefined ? 'no price known' : amount(hourly),
  ])
  return [
    title,
    ...columns([['host', 'role', 'what', 'USD/hour'], ...rows]).map((line) => `  ${line}`),
    `  together ${money({ title, items, ...total })}`,
    ...(total.complete ? [] : ['  set aws.prices in sluice.config.json for what has no price here']),
    '',
  ]
}

function amount(value: number): string {
  return value.toFixed(4)
}
