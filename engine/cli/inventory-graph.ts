import type { Inventory } from '../inventory.ts'
import { columns } from './columns.ts'

/** Who may reach whom: a line from one to the other, with the ports. */
export interface Edge {
  from: string
  to: string
  /** `9092/tcp`, or `8000-8003/tcp`. */
  ports: string[]
}

/** The policy as a graph, between groups, networks, `admin` and `all`. */
export function edgesOf({ policy }: Inventory): Edge[] {
  const edges = policy.rules.flatMap(({ from, to, port, protocol }) =>
    from.map((source) => ({ from: source, to, port, protocol })),
  )
  const grouped = Map.groupBy(edges, ({ from, to }) => `${from} ${to}`)
  return [...grouped.values()].flatMap((rules) => {
    const [first] = rules
    if (first === undefined) return []
    const ports = [...Map.groupBy(rules, ({ protocol }) => protocol)].flatMap(([protocol, ofProtocol]) =>
      rangesOf(ofProtocol.map(({ port }) => port)).map((range) => `${range}/${protocol}`),
    )
    return [{ from: first.from, to: first.to, ports }]
  })
}

/** The graph as text: whom each group lets in. */
export function graphText(inventory: Inventory): string[] {
  const byTarget = Map.groupBy(edgesOf(inventory), ({ to }) => to)
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

/** `[1, 2, 3, 7]` as `1-3` and `7`. */
function rangesOf(ports: readonly number[]): string[] {
  const ranges: { first: number; last: number }[] = []
  for (const port of [...new Set(ports)].sort((left, right) => left - right)) {
    const current = ranges.at(-1)
    if (current !== undefined && port === current.last + 1) current.last = port
    else ranges.push({ first: port, last: port })
  }
  return ranges.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`))
}
