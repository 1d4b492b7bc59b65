import { join } from 'node:path'
import { $ } from 'zx'
import type { AnsibleModel } from '../../../inventory/ansible/model.ts'
import { pythonProgram } from '../../support/python-venv.ts'

/** The programs of this Ansible lie side by side. */
export const program = await pythonProgram(['ansible-core==2.18.6'], 'ansible-inventory')

export interface Listing {
  hostvars: Record<string, object>
  /** By group, the hosts and the groups that are in it itself; empty groups are left out. */
  groups: Record<string, { hosts: string[]; children: string[] }>
}

type Answer = Record<string, { hosts?: string[]; children?: string[] }> & {
  _meta: { hostvars: Listing['hostvars'] }
}

/** What Ansible says of an inventory, or of those that these settings name. */
export async function listed(
  inventory: { path: string } | { environment: Record<string, string> },
): Promise<Listing> {
  const environment = {
    ...process.env,
    ANSIBLE_CONFIG: join(import.meta.dirname, 'ansible.cfg'),
    ANSIBLE_LOCALHOST_WARNING: 'false',
    ANSIBLE_INVENTORY_UNPARSED_FAILED: 'true',
    LC_ALL: 'C.UTF-8',
    ...('environment' in inventory && inventory.environment),
  }
  const named = 'path' in inventory ? ['--inventory', inventory.path] : []
  const { stdout } = await $({ quiet: true, env: environment })`${program} --list ${named}`
  const { _meta, all: _, ...groups } = JSON.parse(stdout) as Answer
  return { hostvars: _meta.hostvars, groups: groupsIn(Object.entries(groups)) }
}

function groupsIn(
  groups: Iterable<[string, { hosts?: Iterable<string>; children?: Iterable<string> }]>,
): Listing['groups'] {
  const sorted = [...groups].map(
    ([name, { hosts = [], children = [] }]): [string, Listing['groups'][string]] => [
      name,
      { hosts: [...hosts].sort(), children: [...children].sort() },
    ],
  )
  return Object.fromEntries(sorted.filter(([, { hosts, children }]) => hosts.length + children.length > 0))
}

/** What we say of it. Hosts of no group are Ansible's group "ungrouped", and hosts without variables are not named. */
export function said(model: AnsibleModel): Listing {
  const variables = [...model.hosts.keys()].map((name): [string, object] => [name, model.variablesOf(name)])
  const alone = [...model.hosts.keys()].filter((name) => model.groupsOf(name).length === 0)
  const groups = [...model.groups].filter(([name]) => name !== 'all' && name !== 'ungrouped')
  return {
    hostvars: Object.fromEntries(variables.filter(([, own]) => Object.keys(own).length > 0)),
    groups: groupsIn([...groups, ['ungrouped', { hosts: alone }]]),
  }
}
