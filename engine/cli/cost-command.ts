import { SluiceError } from '../errors.ts'
import { cloudOf, cloudOptions } from './cloud.ts'
import type { CloudControls, CostReport, CostTable } from './cloud-controls.ts'
import { columns } from './columns.ts'
import { exitCodes } from './exit-codes.ts'
import type { CommandDocument } from './json-documents.ts'
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
    print(JSON.stringify({ type: 'cost', ...report } satisfies CommandDocument))
    return exitCodes.converged
  }
  const { plan, notPlanned, running, notAsked, examples, currency, source } = report
  const planned = plan === undefined ? [`plan: not known, ${notPlanned}`, ''] : tableLines(plan)
  for (const line of planned) print(line)
  if (running !== undefined) for (const line of runningLines(running)) print(line)
  if (notAsked !== undefined) print(`there now: not known, ${notAsked}\n`)
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

function runningLines(running: Required<CostReport>['running']): string[] {
  const { title, items, regions } = running
  if (items.length === 0) return [`${title}: nothing, so it costs nothing`, '']
  if (regions.length === 0) return tableLines(running)
  const empty = regions.filter((each) => each.items.length === 0).map((each) => each.title)
  return [
    ...regions
      .filter((each) => each.items.length > 0)
      .flatMap((each) => tableLines({ ...each, title: `there now in ${each.title}` })),
    `${title}: ${money(running)}${empty.length === 0 ? '' : `; nothing is in ${empty.join(', ')}`}`,
    '',
  ]
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
