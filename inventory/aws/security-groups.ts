import { isIPv4, isIPv6 } from 'node:net'
import { SluiceError } from '../../engine/errors.ts'
import type { Host, Policy, PolicyRule } from '../../engine/inventory.ts'
import { carries, protocols, sayableIcmp, type Traffic, vitalTypes } from '../../engine/policy.ts'
import { securityGroupNames } from './hosts.ts'
import type { IngressRule, Instance, Observation, SecurityGroup } from './observation.ts'

const protocolNames: Record<string, string> = {
  '-1': 'all',
  '1': 'icmp',
  '6': 'tcp',
  '17': 'udp',
  '47': 'gre',
  '50': 'esp',
  '58': 'icmpv6',
}

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
      advice:
        'write these rules with tcp, udp, icmp, icmpv6, esp, gre or all traffic and as the lines above say, then run again; nothing was changed',
    })
  }
  const ssh = rules.filter((rule) => carries(rule, 'tcp', 22))
  const admin = ssh.flatMap(({ from }) => from.filter((source) => source.includes('/')))
  const places = Object.fromEntries(groups.map((group) => [reading.nameOf(group.id), placeOf(group)]))
  return {
    policy: { admin: [...new Set(admin)], rules, places: { groups: places } },
    remarks: [...new Set(reading.remarks)],
  }
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
    const to = this.nameOf(group.id)
    const place = `${to} (${group.id}): ${described(rule)}`
    const traffic = this.#trafficOf(rule, place)
    if (traffic === undefined) return []
    const from = this.#sourcesOf(rule, group, place).filter((source) => canSend(source, traffic))
    if (from.length > 0) return [{ from, to, ...traffic, at: placeOf(group) }]
    this.remarks.push(`${place} lets nobody in: what it refers to has no members`)
    return []
  }

  #trafficOf(rule: IngressRule, place: string): Traffic | undefined {
    const name = protocolNames[rule.protocol] ?? rule.protocol
    const protocol = protocols.find((known) => known === name)
    if (protocol === undefined) {
      this.unsayable.push(`${place}: ufw cannot tell the protocol ${rule.protocol} from others`)
      return undefined
    }
    if (protocol === 'tcp' || protocol === 'udp') return this.#portsOf(rule, protocol, place)
    if (protocol === 'icmp' || protocol === 'icmpv6') return this.#icmpOf(rule, protocol, place)
    return { protocol }
  }

  #portsOf(rule: IngressRule, protocol: 'tcp' | 'udp', place: string): Traffic | undefined {
    const [from, last] = [rule.fromPort ?? 0, rule.toPort ?? 65_535]
    // Nothing can listen on the port 0, which ufw has no word for.
    const first = Math.max(from, 1)
    if (last < first || last > 65_535) {
      this.unsayable.push(`${place}: ports are from 1 to 65535`)
      return undefined
    }
    if (first === 1 && last === 65_535) return { protocol }
    return { protocol, port: first === last ? first : `${first}:${last}` }
  }

  /** AWS says the type of ICMP where ports begin, and its code where they end. */
  #icmpOf(rule: IngressRule, protocol: 'icmp' | 'icmpv6', place: string): Traffic | undefined {
    const [type, code] = [rule.fromPort ?? -1, rule.toPort ?? -1]
    if (type === -1) return { protocol }
    if (protocol === 'icmpv6' && vitalTypes.includes(type)) {
      this.remarks.push(`${place}: IPv6 itself lives on it; ufw lets it in on every host, rule or not`)
      return undefined
    }
    if (!sayableIcmp(protocol, type)) {
      this.unsayable.push(`${place}: ufw cannot tell this type of ${protocol} from others`)
      return undefined
    }
    return { protocol, type: code === -1 ? `${type}` : `${type}/${code}` }
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
    const name = this.nameOf(id)
    const own = this.#hosts.filter(({ groups }) => groups.includes(name))
    const ownAddresses = new Set(own.flatMap(({ privateAddresses }) => privateAddresses))
    const others = (this.#observation.members[id] ?? []).filter((address) => !ownAddresses.has(address))
    return [...(own.length > 0 ? [name] : []), ...others.map(networkOfOne)]
  }

  nameOf(id: string): string {
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

const placeOf = ({ id, name }: SecurityGroup): string => `the security group ${name} (${id})`

/** A network of the other family never sends it. */
function canSend(source: string, { protocol }: Traffic): boolean {
  const [address = ''] = source.split('/')
  return (protocol !== 'icmp' || !isIPv6(address)) && (protocol !== 'icmpv6' || !isIPv4(address))
}

function described({ protocol, fromPort, toPort, networks, prefixLists, groups }: IngressRule): string {
  const sources = [...networks, ...prefixLists, ...groups.map(({ id }) => id)].join(', ')
  const name = protocolNames[protocol] ?? (/^\d+$/.test(protocol) ? `protocol ${protocol}` : protocol)
  return `${name === 'all' ? 'all traffic' : `${name}${partOf(name, fromPort, toPort)}`} from ${sources}`
}

/** The ports, or the type of ICMP and its code. */
function partOf(name: string, first: number | undefined, last: number | undefined): string {
  if (first === undefined || first === -1) return ''
  if (name.startsWith('icmp')) return ` ${first}${last === undefined || last === -1 ? '' : `/${last}`}`
  return ` ${first === last ? first : `${first}-${last}`}`
}
