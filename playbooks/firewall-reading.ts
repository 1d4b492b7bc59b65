import type { FirewallReading } from '../engine/cli/registry.ts'
import { findingsOf } from '../inventory/findings.ts'
import { inboundRules } from '../roles/firewall.ts'

/** What the firewall of each host should be, and what of the policy is wider than the pipeline needs. */
export const firewallReading: FirewallReading = {
  rulesOf: (inventory, host) =>
    inboundRules({
      host,
      inventory,
      group: (name) => inventory.hosts.filter(({ groups }) => groups.includes(name)),
    }),
  findingsOf: ({ policy, hosts }) => findingsOf(policy, hosts),
}
