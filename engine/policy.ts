/** The protocols that a host's firewall can tell apart on IPv4 and IPv6; `all` is every one of them. */
export const protocols = ['tcp', 'udp', 'icmp', 'icmpv6', 'esp', 'gre', 'all'] as const
export type Protocol = (typeof protocols)[number]

/** What may pass, whoever it comes from. */
export interface Traffic {
  protocol: Protocol
  /** Of tcp and udp: a port, or a range such as `8000:8100`. Left out: every port. */
  port?: number | string | undefined
  /** Of icmp and icmpv6: a type such as `8`, or a type and a code such as `3/4`. Left out: every type. */
  type?: string | undefined
}

/** Who may reach what: a rule of the security groups, as data. What no rule allows is denied, on IPv4 and IPv6. */
export interface PolicyRule extends Traffic {
  /** Groups, `admin` (the policy's admin networks) or networks. */
  from: string[]
  /** A group, or `all`. */
  to: string
  /** Where the rule is written, for those who have to change it. */
  at?: string | undefined
}

export interface Policy {
  /** Networks that people and the controller come from. */
  admin: string[]
  rules: PolicyRule[]
  /** Where a rule would be written that is not there yet: for the hosts of a group, and for all others. */
  places?: { groups?: Record<string, string>; rules?: string; admin?: string } | undefined
}

/** An inbound rule of one host, with the addresses in place of the groups. */
export interface InboundRule extends Traffic {
  from: string
  comment: string
  /** Where the policy says so. */
  at?: string | undefined
}

/** The ports of tcp or udp that may be reached, or nothing where the protocol has none. */
export function portRange({ protocol, port }: Traffic): { first: number; last: number } | undefined {
  if (protocol !== 'tcp' && protocol !== 'udp' && protocol !== 'all') return undefined
  if (port === undefined || protocol === 'all') return { first: 1, last: 65_535 }
  const [first, last = first] = String(port).split(':').map(Number)
  return first === undefined || last === undefined ? undefined : { first, last }
}

/** Whether this lets through what goes to a port. */
export function carries(traffic: Traffic, protocol: 'tcp' | 'udp', port: number): boolean {
  if (traffic.protocol !== protocol && traffic.protocol !== 'all') return false
  const range = portRange(traffic)
  return range !== undefined && range.first <= port && port <= range.last
}

/** Whether all that `part` lets through, `whole` lets through too. */
export function includesTraffic(whole: Traffic, part: Traffic): boolean {
  if (whole.protocol === 'all') return true
  if (whole.protocol !== part.protocol) return false
  const [outer, inner] = [portRange(whole), portRange(part)]
  if (outer !== undefined && inner !== undefined)
    return outer.first <= inner.first && inner.last <= outer.last
  return whole.type === undefined || whole.type === part.type || whole.type === part.type?.split('/')[0]
}

/** The types of ICMPv6 that IPv6 itself lives on (neighbours, routers, listeners of multicast): ufw's own rules let them in. */
export const vitalTypes: readonly number[] = [
  130, 131, 132, 133, 134, 135, 136, 141, 142, 143, 148, 149, 151, 152, 153,
]

/** Whether a rule can tell a type of ICMP from others: iptables means every type of icmp by 255. */
export const sayableIcmp = (protocol: 'icmp' | 'icmpv6', type: number): boolean =>
  protocol === 'icmp' ? type < 255 : type <= 255 && !vitalTypes.includes(type)

/** What may pass, in words: `9092/tcp`, `8000-8100/udp`, `all tcp`, `icmp 8`, `all traffic`. */
export function trafficName({ protocol, port, type }: Traffic): string {
  if (protocol === 'all') return 'all traffic'
  if (port !== undefined) return `${String(port).replace(':', '-')}/${protocol}`
  return type === undefined ? `all ${protocol}` : `${protocol} ${type}`
}
