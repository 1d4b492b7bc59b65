import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { ansibleFormat } from '../../../engine/cli/ansible-format.ts'
import { readAnsible } from '../../../inventory/ansible/sources.ts'
import { addVariableFiles } from '../../../inventory/ansible/variable-files.ts'
import { readInventory } from '../../../inventory/static.ts'
import { projectFolder } from '../../support/cli.ts'
import { listed, said } from './listing.ts'

const folder = join(import.meta.dirname, 'inventories')

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
    if (model !== undefined) addVariableFiles([path], model)

    t.deepEqual(model && said(model), await listed({ path }))
  })
}

test.serial('Ansible reads what --format ansible prints', async (t) => {
  const example = join(import.meta.dirname, '../../../inventory/example.yaml')
  const inventory = readInventory(example, readFileSync(example, 'utf8'))
  const printed = JSON.stringify(ansibleFormat(inventory, inventory.hosts))
  const script = join(projectFolder(t), 'inventory.sh')
  writeFileSync(script, `#!/bin/sh\ncat <<'END'\n${printed}\nEND\n`, { mode: 0o755 })

  const { hostvars, groups } = await listed({ path: script })

  t.deepEqual(hostvars, JSON.parse(printed)._meta.hostvars)
  t.deepEqual(groups.kafka, { hosts: ['vm1'], children: [] })
})
