import { BlockList, isIPv4 } from 'node:net'
import type { Host, Policy } from '../../engine/inventory.ts'
import { carries, portRange } from '../../engine/policy.ts'

/** A port that no rule names and that something of ours listens on, if only on loopback: ZooKeeper's. */
const unlistedPort = 2181

/**
 * Every port that the policy names, of a range its ends and what lies beside them, and one that it does not name.
 * Only TCP: a packet of UDP gets no answer to judge by.
 */
export function portsOf({ rules }: Policy): number[] {
  const named = rules
    .filter(({ protocol }) => protocol === 'tcp')
    .flatMap((rule) => {
      const range = portRange(rule)
      if (range === undefined || rule.port === undefined) return []
      const { first, last } = range
      return first === last ? [first] : [first - 1, first, last, last + 1]
    })
  const ports = named.filter((port) => port >= 1 && port <= 65_535)
  return [...new Set([...ports, unlistedPort])].sort((left, right) => left - right)
}

/** Who may reach what by a policy, told from its text alone. */
export class PolicyReading {
  readonly #policy: Policy
  readonly #hosts: readonly Host[]

  constructor(policy: Policy, hosts: readonly Host[]) {
    this.#policy = policy
    this.#hosts = hosts
  }

  /**
   * Whether one of the addresses that a connection may come from is let in to a port of a host. Those of the other
   * family do not count.
   *
   * @param address where the connection goes
   */
  allows(sources: readonly string[], to: Host, address: string, port: number): boolean {
    const family = isIPv4(address)
    const comparable = sources.filter((source) => isIPv4(source) === family)
    return this.#policy.rules
      .filter((rule) => carries(rule, 'tcp', port))
      .filter((rule) => rule.to === 'all' || to.groups.includes(rule.to))
      .flatMap((rule) => rule.from.flatMap((from) => this.#networksOf(from)))
      .some((network) => comparable.some((source) => contains(network, source)))
  }

  #networksOf(from: string): string[] {
    if (from === 'admin') return this.#policy.admin
    const members = this.#hosts.filter(({ groups }) => groups.includes(from))
    if (members.length > 0) return members.flatMap(({ privateAddresses }) => privateAddresses)
    return from.includes('/') || from.includes(':') || isIPv4(from) ? [from] : []
  }
}

/** Whether an address lies in a network in CIDR notation. */
export function contains(network: string, address: string): boolean {
  const [base = '', length] = network.split('/')
  const family = (text: string) => (isIPv4(text) ? 'ipv4' : 'ipv6')
  if (family(base) !== family(address)) return false
  const block = new BlockList()
  block.addSubnet(base, length === undefined ? (isIPv4(base) ? 32 : 128) : Number(length), family(base))
  return block.check(address, family(address))
}
