import { isIPv4 } from 'node:net'
import type { Host, Policy, PolicyRule } from '../engine/inventory.ts'
import { includesTraffic, trafficName } from '../engine/policy.ts'
import { pipelineRules } from './policy.ts'

/** Of how many addresses at least a network is no longer somebody's: /8 of IPv4, /19 of IPv6. */
const leastLength = { ipv4: 8, ipv6: 19 }

/** Every rule of a policy that lets in more than the pipeline needs, as a sentence. */
export function findingsOf({ rules, admin }: Policy, hosts: readonly Host[]): string[] {
  const findings = rules.flatMap((rule) => {
    const targets = hosts.filter(({ groups }) => rule.to === 'all' || groups.includes(rule.to))
    const needed = targets.map((target) => rulesNeeded(rule, target))
    const sources = rule.from.flatMap((source) => (source === 'admin' ? admin : [source]))
    return sources
      .filter((source) => needed.some((rulesThere) => !isNeeded(rule, source, rulesThere, hosts)))
      .map((source) => {
        const to = rule.to === 'all' ? 'every host' : rule.to
        return `${to} lets ${source} reach ${trafficName(rule)}; ${needWords(rule, needed.flat())}`
      })
  })
  return [...new Set(findings)]
}

/** What the pipeline needs of all that the rule lets in. */
function rulesNeeded(rule: PolicyRule, target: Host): PolicyRule[] {
  return pipelineRules
    .filter((needed) => includesTraffic(rule, needed))
    .filter(({ to }) => to === 'all' || target.groups.includes(to))
}

function needWords(rule: PolicyRule, needed: readonly PolicyRule[]): string {
  const of = [...Map.groupBy(needed, trafficName)].map(([traffic, rules]) => ({
    traffic,
    roles: [...new Set(rules.flatMap(({ from }) => from))].join(', '),
  }))
  const [first] = of
  if (first === undefined) return 'the pipeline needs nobody there'
  if (of.length === 1 && first.traffic === trafficName(rule)) return `the pipeline needs ${first.roles} there`
  return `of that the pipeline needs ${of.map(({ traffic, roles }) => `${traffic} from ${roles}`).join(' and ')}`
}

function isNeeded(
  rule: PolicyRule,
  source: string,
  needed: readonly PolicyRule[],
  hosts: readonly Host[],
): boolean {
  const exactly = needed.filter((each) => includesTraffic(each, rule))
  const roles = exactly.flatMap(({ from }) => from)
  if (roles.includes(source)) return true
  if (roles.includes('admin')) return !isWide(source)
  const [address = ''] = source.split('/')
  const meant = hosts.filter(
    ({ groups, privateAddresses }) =>
      groups.includes(source) || (isOneAddress(source) && privateAddresses.includes(address)),
  )
  return meant.length > 0 && meant.every(({ groups }) => groups.some((group) => roles.includes(group)))
}

function isOneAddress(network: string): boolean {
  const [address = '', length] = network.split('/')
  return length === undefined || Number(length) === (isIPv4(address) ? 32 : 128)
}

function isWide(source: string): boolean {
  const [address = '', length] = source.split('/')
  return length !== undefined && Number(length) < leastLength[isIPv4(address) ? 'ipv4' : 'ipv6']
}
