import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { $ } from 'zx'
import { ansibleFormat } from '../../../engine/cli/ansible-format.ts'
import { readAnsible } from '../../../inventory/ansible/inventory-file.ts'
import type { AnsibleModel } from '../../../inventory/ansible/model.ts'
import { addVariableFiles } from '../../../inventory/ansible/variable-files.ts'
import { readInventory } from '../../../inventory/static.ts'
import { projectFolder } from '../../support/cli.ts'
import { pythonProgram } from '../../support/python-venv.ts'

const folder = join(import.meta.dirname, 'inventories')

const program = await pythonProgram(['ansible-core==2.18.6'], 'ansible-inventory')

interface Listing {
  hostvars: Record<string, object>
  /** By group, the hosts and the groups that are in it itself; empty groups are left out. */
  groups: Record<string, { hosts: string[]; children: string[] }>
}

type Answer = Record<string, { hosts?: string[]; children?: string[] }> & {
  _meta: { hostvars: Listing['hostvars'] }
}

/** What Ansible says of an inventory. */
async function listed(path: string): Promise<Listing> {
  const environment = {
    ...process.env,
    ANSIBLE_CONFIG: join(import.meta.dirname, 'ansible.cfg'),
    ANSIBLE_LOCALHOST_WARNING: 'false',
    LC_ALL: 'C.UTF-8',
  }
  const run = $({ quiet: true, env: { ...environment, ANSIBLE_INVENTORY_UNPARSED_FAILED: 'true' } })
  const { stdout } = await run`${program} --list --inventory ${path}`
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
function said(model: AnsibleModel): Listing {
  const variables = [...model.hosts.keys()].map((name): [string, object] => [name, model.variablesOf(name)])
  const alone = [...model.hosts.keys()].filter((name) => model.groupsOf(name).length === 0)
  const groups = [...model.groups].filter(([name]) => name !== 'all' && name !== 'ungrouped')
  return {
    hostvars: Object.fromEntries(variables.filter(([, own]) => Object.keys(own).length > 0)),
    groups: groupsIn([...groups, ['ungrouped', { hosts: alone }]]),
  }
}

/** Files, and folders with a file `hosts` and variables beside it. */
const inventories = readdirSync(folder, { withFileTypes: true }).map((entry) =>
  entry.isDirectory() ? join(entry.name, 'hosts') : entry.name,
)

test('there are at least 20 inventories to compare', (t) => {
  t.true(inventories.length >= 20)
})

for (const file of inventories) {
  test.serial(`${file} is read as Ansible reads it`, async (t) => {
    const path = join(folder, file)
    const model = readAnsible(path, readFileSync(path, 'utf8'))
    if (model !== undefined) addVariableFiles(path, model)

    t.deepEqual(model && said(model), await listed(path))
  })
}

test.serial('Ansible reads what --format ansible prints', async (t) => {
  const example = join(import.meta.dirname, '../../../inventory/example.yaml')
  const inventory = readInventory(example, readFileSync(example, 'utf8'))
  const printed = JSON.stringify(ansibleFormat(inventory, inventory.hosts))
  const script = join(projectFolder(t), 'inventory.sh')
  writeFileSync(script, `#!/bin/sh\ncat <<'END'\n${printed}\nEND\n`, { mode: 0o755 })

  const { hostvars, groups } = await listed(script)

  t.deepEqual(hostvars, JSON.parse(printed)._meta.hostvars)
  t.deepEqual(groups.kafka, { hosts: ['vm1'], children: [] })
})
