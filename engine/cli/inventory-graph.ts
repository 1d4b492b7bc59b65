import type { Inventory } from '../inventory.ts'
import { portRange, trafficName } from '../policy.ts'
import { columns } from './columns.ts'

/** Who may reach whom: a line from one to the other, with the ports. */
export interface Edge {
  from: string
  to: string
  /** `9092/tcp`, `8000-8003/tcp`, or `all traffic`. */
  ports: string[]
}

/** The policy as a graph, between groups, networks, `admin` and `all`. */
export function edgesOf({ policy }: Inventory): Edge[] {
  const edges = policy.rules.flatMap(({ from, ...rule }) => from.map((source) => ({ ...rule, from: source })))
  const grouped = Map.groupBy(edges, ({ from, to }) => `${from} ${to}`)
  return [...grouped.values()].flatMap((rules) => {
    const [first] = rules
    if (first === undefined) return []
    const [ported, others] = [true, false].map((has) =>
      rules.filter(({ port }) => (port !== undefined) === has),
    )
    const ports = [...Map.groupBy(ported ?? [], ({ protocol }) => protocol)].flatMap(
      ([protocol, ofProtocol]) =>
        joined(ofProtocol.flatMap((rule) => portRange(rule) ?? [])).map((range) => `${range}/${protocol}`),
    )
    return [
      { from: first.from, to: first.to, ports: [...ports, ...new Set((others ?? []).map(trafficName))] },
    ]
  })
}

/** The graph as text: whom each group lets in. */
export function graphText(inventory: Inventory): string[] {
  const byTarget = Map.groupBy(edgesOf(inventory), ({ to }) => to)
  if (byTarget.size === 0) return ['Nobody may reach anything: the policy has no rules.']
  return [...byTarget].flatMap(([to, edges], index) => {
    const byPorts = Map.groupBy(edges, ({ ports }) => ports.join(', '))
    const rows = [...byPorts].map(([ports, of]) => [
      ' ',
      ports,
      'from',
      of.map(({ from }) => labelOf(from, inventory).join(' ')).join(', '),
    ])
    return [...(index === 0 ? [] : ['']), labelOf(to, inventory).join(' '), ...columns(rows)]
  })
}

/** The graph as a flowchart of Mermaid. */
export function graphMermaid(inventory: Inventory): string[] {
  const edges = edgesOf(inventory)
  const nodes = [...new Set(edges.flatMap(({ from, to }) => [from, to]))]
  const idOf = (node: string) => `n${nodes.indexOf(node)}`
  return [
    'flowchart LR',
    ...nodes.map((node) => `  ${idOf(node)}["${labelOf(node, inventory).join('<br/>')}"]`),
    ...edges.map(({ from, to, ports }) => `  ${idOf(from)} -->|"${ports.join(', ')}"| ${idOf(to)}`),
  ]
}

/** What a node is called, and who that is. */
function labelOf(node: string, { hosts, policy }: Inventory): string[] {
  const members = hosts.filter(({ groups }) => groups.includes(node)).map(({ name }) => name)
  if (node === 'all') return ['every host']
  if (node === 'admin') return ['admin', `(${shortened(policy.admin)})`]
  return members.length === 0 ? [node] : [node, `(${shortened(members)})`]
}

function shortened(names: readonly string[]): string {
  const most = 8
  if (names.length === 0) return 'nobody'
  const rest = names.length > most ? [`and ${names.length - most} more`] : []
  return [...names.slice(0, most), ...rest].join(', ')
}

interface Range {
  first: number
  last: number
}

/** The ports 1, 2, 3 and 7 as `1-3` and `7`. */
function joined(ranges: readonly Range[]): string[] {
  const found: Range[] = []
  for (const { first, last } of [...ranges].sort((left, right) => left.first - right.first)) {
    const current = found.at(-1)
    if (current !== undefined && first <= current.last + 1) current.last = Math.max(current.last, last)
    else found.push({ first, last })
  }
  return found.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`))
}
