import { isIPv4 } from 'node:net'
import type { Host, Policy, PolicyRule } from '../../engine/inventory.ts'
import { pipelineRules } from '../policy.ts'

/** Of how many addresses at least a network is no longer somebody's: /8 of IPv4, /19 of IPv6. */
const leastLength = { ipv4: 8, ipv6: 19 }

/** Every rule of a policy that lets in more than the pipeline needs, as a sentence. */
export function findingsOf({ rules }: Policy, hosts: readonly Host[]): string[] {
  const findings = rules.flatMap((rule) => {
    const targets = hosts.filter(({ groups }) => rule.to === 'all' || groups.includes(rule.to))
    const needed = targets.map((target) => sourcesNeeded(rule, target))
    return rule.from
      .filter((source) => needed.some((roles) => !isNeeded(source, roles, hosts)))
      .map((source) => {
        const roles = [...new Set(needed.flat())].join(', ') || 'nobody'
        return `${rule.to} lets ${source} reach ${rule.port}/${rule.protocol}; the pipeline needs ${roles} there`
      })
  })
  return [...new Set(findings)]
}

function sourcesNeeded({ port, protocol }: PolicyRule, target: Host): string[] {
  return pipelineRules
    .filter((rule) => rule.port === port && rule.protocol === protocol)
    .filter(({ to }) => to === 'all' || target.groups.includes(to))
    .flatMap(({ from }) => from)
}

function isNeeded(source: string, roles: readonly string[], hosts: readonly Host[]): boolean {
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
