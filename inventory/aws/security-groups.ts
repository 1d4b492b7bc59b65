import { isIPv4 } from 'node:net'
import { SluiceError } from '../../engine/errors.ts'
import type { Host, Policy, PolicyRule } from '../../engine/inventory.ts'
import { securityGroupNames } from './hosts.ts'
import type { IngressRule, Instance, Observation, SecurityGroup } from './observation.ts'

/** A range is said port by port: up to this many. */
export const mostPorts = 64

/** The types of ICMP that ufw's own rules (before.rules, before6.rules) let in from everywhere. */
const admittedTypes: Record<string, readonly number[]> = {
  icmp: [3, 8, 11, 12],
  icmpv6: [1, 2, 3, 4, 128],
}

const protocolNames: Record<string, string> = { '1': 'icmp', '6': 'tcp', '17': 'udp', '58': 'icmpv6' }

/** The security groups as the policy that says the same. */
export interface Mirror {
  policy: Policy
  /** What is worth knowing about it. */
  remarks: string[]
}

/**
 * What the security groups of the hosts let in, rule by rule. A group in a rule is its members of this moment.
 *
 * @param hosts the instances as hosts, in the same order
 * @throws SluiceError RULE_UNSUPPORTED with everything in them that a host's firewall cannot say
 */
export function mirrorOf(
  instances: readonly Instance[],
  hosts: readonly Host[],
  observation: Observation,
): Mirror {
  const attached = new Set(
    instances.flatMap(({ interfaces }) => interfaces.flatMap(({ securityGroups }) => securityGroups)),
  )
  const groups = observation.securityGroups.filter(({ id }) => attached.has(id))
  const reading = new Reading(hosts, observation)
  const rules = groups.flatMap((group) => group.ingress.flatMap((rule) => reading.rulesOf(group, rule)))
  const mistakes = [...new Set([...mixedInterfaces(instances, hosts), ...reading.unsayable])]
  if (mistakes.length > 0) {
    throw new SluiceError('RULE_UNSUPPORTED', {
      subject: `the firewall of a host cannot say what ${mistakes.length === 1 ? 'one rule says' : `${mistakes.length} rules say`}`,
      at: observation.regions.join(', '),
      why: mistakes.join('\n'),
      advice: 'write these rules so that they name ports of tcp or udp, then run again; nothing was changed',
    })
  }
  const ssh = rules.filter(({ port, protocol }) => port === 22 && protocol === 'tcp')
  const admin = ssh.flatMap(({ from }) => from.filter((source) => source.includes('/')))
  return { policy: { admin: [...new Set(admin)], rules }, remarks: [...new Set(reading.remarks)] }
}

class Reading {
  readonly unsayable: string[] = []
  readonly remarks: string[] = []
  readonly #hosts: readonly Host[]
  readonly #observation: Observation
  readonly #names: Map<string, string>

  constructor(hosts: readonly Host[], observation: Observation) {
    this.#hosts = hosts
    this.#observation = observation
    this.#names = securityGroupNames(observation.securityGroups)
  }

  rulesOf(group: SecurityGroup, rule: IngressRule): PolicyRule[] {
    const to = this.#nameOf(group.id)
    const protocol = protocolNames[rule.protocol] ?? rule.protocol
    const place = `${to} (${group.id}): ${described(rule, protocol)}`
    if (protocol === 'icmp' || protocol === 'icmpv6') {
      this.#checkIcmp(rule.fromPort ?? -1, protocol, place)
      return []
    }
    if (protocol !== 'tcp' && protocol !== 'udp') {
      const meant = protocol === '-1' ? 'all traffic' : `the protocol ${protocol}`
      this.unsayable.push(`${place}: ${meant} has no port`)
      return []
    }
    const [first, last] = [rule.fromPort ?? 0, rule.toPort ?? 65_535]
    if (first < 1 || last - first >= mostPorts) {
      this.unsayable.push(`${place}: a range may have at most ${mostPorts} ports, from 1 on`)
      return []
    }
    const from = this.#sourcesOf(rule, group, place)
    if (from.length === 0) {
      this.remarks.push(`${place} lets nobody in: what it refers to has no members`)
      return []
    }
    return Array.from({ length: last - first + 1 }, (_, index) => ({
      from,
      to,
      port: first + index,
      protocol,
    }))
  }

  #checkIcmp(type: number, protocol: 'icmp' | 'icmpv6', place: string): void {
    if (admittedTypes[protocol]?.includes(type)) {
      this.remarks.push(`${place}: ufw lets this in on every host, from everywhere`)
    } else {
      this.unsayable.push(
        `${place}: of ${protocol}, ufw lets in the types ${admittedTypes[protocol]?.join(', ')}, and no others`,
      )
    }
  }

  #sourcesOf({ networks, prefixLists, groups }: IngressRule, { account }: SecurityGroup, place: string) {
    const listed = prefixLists.flatMap((id) => this.#observation.prefixLists[id] ?? [])
    const members = groups.flatMap((group) => {
      const known = this.#observation.securityGroups.find(({ id }) => id === group.id)
      if ((group.account ?? known?.account ?? account) === account) return this.#membersOf(group.id)
      this.unsayable.push(
        `${place}: ${group.id} is of the account ${group.account ?? known?.account}, whose members cannot be seen`,
      )
      return []
    })
    return [...new Set([...members, ...networks, ...listed])]
  }

  /** The hosts in a group by its name; whatever else is in it (a load balancer, another project) by its addresses. */
  #membersOf(id: string): string[] {
    const name = this.#nameOf(id)
    const own = this.#hosts.filter(({ groups }) => groups.includes(name))
    const ownAddresses = new Set(own.flatMap(({ privateAddresses }) => privateAddresses))
    const others = (this.#observation.members[id] ?? []).filter((address) => !ownAddresses.has(address))
    return [...(own.length > 0 ? [name] : []), ...others.map(networkOfOne)]
  }

  #nameOf(id: string): string {
    return this.#names.get(id) ?? id
  }
}

const networkOfOne = (address: string): string => `${address}/${isIPv4(address) ? 32 : 128}`

/** Security groups are of an interface, the firewall is of the host. */
function mixedInterfaces(instances: readonly Instance[], hosts: readonly Host[]): string[] {
  return instances.flatMap(({ id, interfaces }, index) => {
    const sets = new Set(interfaces.map(({ securityGroups }) => [...securityGroups].sort().join(', ')))
    return sets.size < 2
      ? []
      : [
          `${hosts[index]?.name ?? id} (${id}): its interfaces have different groups: ${[...sets].join(' and ')}`,
        ]
  })
}

function described(
  { fromPort, toPort, networks, prefixLists, groups }: IngressRule,
  protocol: string,
): string {
  const sources = [...networks, ...prefixLists, ...groups.map(({ id }) => id)].join(', ')
  const ports = fromPort === toPort ? fromPort : `${fromPort}-${toPort}`
  return `${protocol === '-1' ? 'all traffic' : `${protocol}${ports === undefined ? '' : ` ${ports}`}`} from ${sources}`
}
