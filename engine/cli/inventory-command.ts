import type { Host } from '../inventory.ts'
import { trafficName } from '../policy.ts'
import { inventoryFiles } from './choose-inventory.ts'
import { columns } from './columns.ts'
import { exitCodes } from './exit-codes.ts'
import type { CommandDocument } from './json-documents.ts'
import { inventoryChoice, loadHosts, type Session } from './session.ts'

/** Which inventory a command is about. */
export interface ChosenInventory {
  inventory?: string
  limit?: string
  refresh?: boolean
}

/** `inventory list`: which inventories there are, and which is meant when none is named. */
export function inventoryList(session: Session, { json }: { json: boolean }): number {
  const { registry, projectDirectory, print } = session
  const { name: chosen, from } = inventoryChoice(session, undefined)
  const entries = [
    ...registry.inventories.map(({ name, summary }) => ({ name, summary })),
    ...inventoryFiles(projectDirectory).map((name) => ({ name, summary: 'a file of this project' })),
  ]
  if (json) {
    for (const entry of entries) {
      const isDefault = entry.name === chosen
      print(
        JSON.stringify({ type: 'inventory-listed', ...entry, default: isDefault } satisfies CommandDocument),
      )
    }
    return exitCodes.converged
  }
  const rows = entries.map(({ name, summary }) => [name === chosen ? '*' : ' ', name, summary])
  for (const line of columns(rows)) print(line)
  print(`\n* is taken without --inventory: ${from} says ${chosen}`)
  return exitCodes.converged
}

/** `inventory graph`: who may talk to whom. */
export async function inventoryGraph(
  session: Session,
  options: ChosenInventory & { mermaid: boolean; json: boolean },
): Promise<number> {
  const { inventory } = await loadHosts(session, options, { create: false, reach: false })
  const { edgesOf, graphMermaid, graphText } = await import('./inventory-graph.ts')
  const documents = () =>
    edgesOf(inventory).map((edge) =>
      JSON.stringify({ type: 'inventory-edge', ...edge } satisfies CommandDocument),
    )
  const lines = options.json ? documents() : options.mermaid ? graphMermaid(inventory) : graphText(inventory)
  for (const line of lines) session.print(line)
  return exitCodes.converged
}

/** `--format ansible`: the hosts of an inventory as Ansible's inventory scripts say them. */
export async function inventoryForAnsible(session: Session, options: ChosenInventory): Promise<number> {
  const { inventory, hosts } = await loadHosts(session, options, { create: false, reach: false })
  const { ansibleFormat } = await import('./ansible-format.ts')
  session.print(JSON.stringify(ansibleFormat(inventory, hosts), undefined, 2))
  return exitCodes.converged
}

/** `inventory show`: the hosts of an inventory and who may reach what. */
export async function inventoryShow(
  session: Session,
  options: ChosenInventory & { json: boolean },
): Promise<number> {
  const { inventory, hosts } = await loadHosts(session, options, { create: false, reach: false })
  const { print } = session
  if (options.json) {
    const { sharedVariables: _, ...shown } = inventory
    print(JSON.stringify({ type: 'inventory', ...shown, hosts } satisfies CommandDocument))
    return exitCodes.converged
  }
  const hostRows = hosts.map((host) => [
    host.name,
    loginOf(host),
    host.privateAddresses.join(', '),
    host.groups.join(', '),
  ])
  for (const line of columns([['host', 'login', 'private', 'groups'], ...hostRows])) print(line)
  const { admin, rules } = inventory.policy
  const named = (from: string) => (from === 'admin' ? `admin (${admin.join(', ')})` : from)
  const ruleRows = rules.map(({ from, to, ...traffic }) => [
    from.map(named).join(', '),
    to === 'all' ? 'every host' : to,
    trafficName(traffic),
  ])
  print('')
  for (const line of columns([['may reach', 'where', 'what'], ...ruleRows])) print(line)
  return exitCodes.converged
}

/** Who logs in where, and by way of which hosts. */
function loginOf({ user, address, port, jump }: Host): string {
  const login = `${user}@${address}${port === 22 ? '' : `:${port}`}`
  return jump === undefined ? login : `${login} through ${loginOf(jump)}`
}
