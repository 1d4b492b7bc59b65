import type { Facts } from '../../engine/facts.ts'
import type { Host, Inventory, PolicyRule } from '../../engine/inventory.ts'
import type { RoleContext } from '../../engine/role.ts'
import { pipelineRules } from '../../inventory/policy.ts'

const names = ['kafka', 'mongodb', 'processor', 'producers']

/** What a role is told on a host of the four-host pipeline, vm1 to vm4. */
export function pipelineContext(
  hostName: string,
  {
    facts = {},
    host = {},
    rules = pipelineRules,
    others = {},
  }: { facts?: Partial<Facts>; host?: Partial<Host>; rules?: PolicyRule[]; others?: Partial<Host> } = {},
): RoleContext {
  const hosts = names.map(
    (group, index): Host => ({
      name: `vm${index + 1}`,
      address: `10.0.1.${10 + index}`,
      port: 22,
      user: 'admin',
      hostKeys: [],
      privateAddresses: [`10.0.1.${10 + index}`, `fd00::${10 + index}`],
      groups: [group],
      variables: {},
      ...(hostName === `vm${index + 1}` ? host : others),
    }),
  )
  const found = hosts.find(({ name }) => name === hostName)
  if (found === undefined) throw new TypeError(`no host ${hostName}`)
  const inventory: Inventory = {
    name: 'test',
    hosts,
    variables: {},
    groupVariables: {},
    policy: { admin: ['192.0.2.0/24', '2001:db8::/32'], rules },
  }
  return {
    host: found,
    facts: {
      hostname: hostName,
      distribution: 'debian',
      release: '12',
      architecture: 'amd64',
      processors: 2,
      memoryMb: 2048,
      container: false,
      clientAddress: '192.0.2.9',
      sshPort: 22,
      ...facts,
    },
    inventory,
    group: (name) => hosts.filter(({ groups }) => groups.includes(name)),
    paramsOf: (other, { name }) => other.read({}, name),
  }
}
