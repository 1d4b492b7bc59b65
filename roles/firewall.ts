import { BlockList, isIPv4, isIPv6 } from 'node:net'
import * as v from 'valibot'
import { SluiceError } from '../engine/errors.ts'
import type { Host, Policy, PolicyRule } from '../engine/inventory.ts'
import { carries, type InboundRule, type Traffic, trafficName } from '../engine/policy.ts'
import { aptPackage } from '../engine/resources/apt-package.ts'
import { ufw } from '../engine/resources/ufw.ts'
import { defineRole, type RoleContext } from '../engine/role.ts'

/** The host's firewall: what the inventory's policy lets in, and nothing else. */
export const firewall = defineRole({
  name: 'firewall',
  description: 'UFW with exactly the rules of the policy, on IPv4 and IPv6',
  params: v.strictObject({
    allowLockout: v.pipe(
      v.optional(v.boolean(), false),
      v.description('go on although no rule lets the controller in; the guard still takes that back'),
    ),
  }),
  resources: ({ allowLockout }, context) => {
    const rules = inboundRules(context)
    if (!allowLockout) refuseLockout(rules, context)
    return [aptPackage({ name: 'ufw' }), ufw({ rules: rules.map(({ at: _, ...rule }) => rule) })]
  },
})

/** The policy as it concerns one host. */
export function inboundRules(context: Pick<RoleContext, 'host' | 'inventory' | 'group'>): InboundRule[] {
  const { host, inventory } = context
  const rules = rulesFor(host, inventory.policy).flatMap(({ from, to, at, ...traffic }) =>
    from.flatMap((source) =>
      networksOf(source, context)
        .filter((network) => isOfFamily(traffic, network))
        .map((network) => ({ from: network, ...traffic, comment: `${source} to ${to}`, at })),
    ),
  )
  // A host in two groups would have the same rule twice.
  return [...new Map(rules.map((rule) => [`${rule.from} ${trafficName(rule)}`, rule])).values()]
}

const rulesFor = ({ groups }: Host, { rules }: Policy): PolicyRule[] =>
  rules.filter(({ to }) => to === 'all' || groups.includes(to))

/** A group's members have addresses of both families; ICMP is of one. */
function isOfFamily({ protocol }: Traffic, network: string): boolean {
  const [address = ''] = network.split('/')
  return (protocol !== 'icmp' || isIPv4(address)) && (protocol !== 'icmpv6' || isIPv6(address))
}

/** A source of the policy as networks: the admin networks, a network, or the private addresses of a group's hosts. */
function networksOf(source: PolicyRule['from'][number], context: Pick<RoleContext, 'inventory' | 'group'>) {
  if (source === 'admin') return context.inventory.policy.admin
  const [address = ''] = source.split('/')
  if (isIPv4(address) || isIPv6(address)) return [source]
  return context.group(source).flatMap(({ privateAddresses }: Host) => privateAddresses)
}

function refuseLockout(rules: readonly InboundRule[], { host, facts, inventory }: RoleContext): void {
  const port = facts.sshPort ?? host.port
  if (admits(rules, facts.clientAddress, port)) return
  const there = rules.filter((rule) => carries(rule, 'tcp', port)).map(({ from }) => from)
  throw new SluiceError('LOCKOUT_PREVENTED', {
    subject: `no rule of the policy lets the controller, ${facts.clientAddress}, reach port ${port} of ${host.name}`,
    why: `the policy of ${inventory.name} lets in there: ${there.join(', ') || 'nobody'}; admin is ${inventory.policy.admin.join(', ') || 'empty'}`,
    advice: wayIn({ host, inventory }, facts.clientAddress, port),
  })
}

/** What would let an address in to a port of a host, and where it would be written. */
export function wayIn(
  { host, inventory }: Pick<RoleContext, 'host' | 'inventory'>,
  address: string,
  port: number,
): string {
  const { rules: rulesPlace, admin: adminPlace, groups = {} } = inventory.policy.places ?? {}
  const opening = rulesFor(host, inventory.policy).filter((rule) => carries(rule, 'tcp', port))
  const byAdmin = opening.find(({ from }) => from.includes('admin'))
  const [written] = opening.filter(({ at }) => at !== undefined)
  const groupPlace = host.groups.map((name) => groups[name]).find((place) => place !== undefined)
  const securityGroup = Object.values(groups).find((place) => place === written?.at) ?? groupPlace
  if (securityGroup !== undefined) {
    return `let ${address}/${isIPv4(address) ? 32 : 128} reach ${port}/tcp by a rule of ${securityGroup}`
  }
  if (byAdmin !== undefined && adminPlace !== undefined) {
    return `add ${address} to policy/admin, ${adminPlace}, which the rule at ${byAdmin.at} lets in there`
  }
  if (written !== undefined) return `add ${address} to "from" of the rule at ${written.at}`
  if (rulesPlace !== undefined) {
    return `add a rule { from: [${address}], to: all, port: ${port} } to policy/rules, ${rulesPlace}`
  }
  return `add ${address} to policy/admin in the inventory, with a rule { from: [admin], to: all, port: ${port} }`
}

/** Whether a TCP connection from this address to this port gets through. */
export function admits(rules: readonly InboundRule[], address: string, port: number): boolean {
  const there = rules.filter((rule) => carries(rule, 'tcp', port))
  return there.some(({ from }) => includes(from, address))
}

function includes(network: string, address: string): boolean {
  const [base = '', length = isIPv4(base) ? '32' : '128'] = network.split('/')
  const family = (text: string) => (isIPv4(text) ? 'ipv4' : 'ipv6')
  if (family(base) !== family(address)) return false
  const list = new BlockList()
  list.addSubnet(base, Number(length), family(base))
  return list.check(address, family(address))
}
