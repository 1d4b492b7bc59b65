import * as v from 'valibot'
import { definePlaybook, type Playbook } from '../../../engine/playbook.ts'
import type { Resource } from '../../../engine/resource.ts'
import { defineRole } from '../../../engine/role.ts'
import type { Declaration, DeclaredGroup } from './declaration.ts'
import { ingressRules } from './ingress-rules.ts'
import { instance } from './instance.ts'
import { instancesRun } from './instances-run.ts'
import { keyPair } from './key-pair.ts'
import { internetGateway, subnet, vpc } from './network.ts'
import { routeTable } from './route-table.ts'
import { securityGroup } from './security-group.ts'

export interface CloudParts extends Declaration {
  groups: DeclaredGroup[]
  publicKey: string
  /** Instances of the stack that are declared no more: only a removal takes them away. */
  undeclared: string[]
}

/** A stack as a playbook whose only host is the region. */
export function cloudPlaybook(name: string, parts: CloudParts): Playbook {
  const { stack, network, zone, hosts, groups, publicKey, undeclared } = parts
  const roles = [
    roleOf('network', 'the VPC and its way to the internet', [
      vpc({ stack, network }),
      internetGateway({ stack }),
      subnet({ stack, network: parts.subnet, ...(zone !== undefined && { zone }) }),
      routeTable({ stack }),
    ]),
    roleOf('access', 'who may reach what, and log in with which key', [
      ...groups.map(({ name, description }) => securityGroup({ stack, name, description })),
      ...groups.map(({ name, rules }) => ingressRules({ stack, group: name, rules })),
      keyPair({ stack, publicKey }),
    ]),
    roleOf('instances', 'the hosts', [
      ...undeclared.map((each) => instance({ stack, name: each })),
      ...hosts.map(({ name, role: _role, pricePerHour: _price, ...wanted }) =>
        instance({ stack, name, wanted }),
      ),
      instancesRun({ stack, names: hosts.map(({ name }) => name) }),
    ]),
  ]
  return definePlaybook({
    name,
    summary: 'Makes the hosts at AWS and what they need there',
    plays: [{ name: 'cloud', hosts: 'all', roles }],
  })
}

function roleOf(name: string, description: string, resources: Resource[]) {
  return defineRole({ name, description, params: v.strictObject({}), resources: () => resources })
}
