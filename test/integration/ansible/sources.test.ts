import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import test from 'ava'
import { $ } from 'zx'
import { ansibleSettings } from '../../../inventory/ansible/settings.ts'
import { readSources } from '../../../inventory/ansible/sources.ts'
import { addVariableFiles } from '../../../inventory/ansible/variable-files.ts'
import { listed, program, said } from './listing.ts'

const directories = join(import.meta.dirname, 'directories')
const configurations = join(import.meta.dirname, 'configurations')

/** What we say of these sources, or of those that these settings name. */
function ours(environment: Record<string, string>, sources?: string[]) {
  const settings = ansibleSettings({ environment, folder: process.cwd() })
  const named = sources ?? settings.inventory ?? []
  const model = readSources(named, { ...settings, progress: () => {} })
  addVariableFiles(named, model)
  return said(model)
}

for (const name of readdirSync(directories)) {
  test.serial(`the folder ${name} is read as Ansible reads it`, async (t) => {
    const path = join(directories, name)

    t.deepEqual(
      ours({ ANSIBLE_CONFIG: join(import.meta.dirname, 'ansible.cfg') }, [path]),
      await listed({ path }),
    )
  })
}

for (const name of ['several', 'ignoring', 'login']) {
  test.serial(
    `the inventories that ansible.cfg of ${name} names are read as Ansible reads them`,
    async (t) => {
      const environment = { ANSIBLE_CONFIG: join(configurations, name) }

      t.deepEqual(ours(environment), await listed({ environment }))
    },
  )
}

test.serial('the environment wins over ansible.cfg, for Ansible and for us', async (t) => {
  const folder = join(configurations, 'environment')
  const environment = {
    ANSIBLE_CONFIG: join(folder, 'ansible.cfg'),
    WHERE: folder,
    ANSIBLE_INVENTORY: '$WHERE/one,$WHERE/two/../two',
  }
  const answer = ours(environment)

  t.deepEqual(answer, await listed({ environment }))
  t.deepEqual(answer.groups, { kafka: { hosts: ['vm1', 'vm2'], children: [] } })
})

interface Dumped {
  name?: string
  value?: unknown
  CONNECTION_PLUGINS?: { ssh?: { name: string; value: unknown }[] }[]
}

test.serial('who logs in how is in ansible.cfg what Ansible finds in it', async (t) => {
  const environment = { ANSIBLE_CONFIG: join(configurations, 'login', 'ansible.cfg') }
  const run = $({ quiet: true, env: { ...process.env, ...environment, LC_ALL: 'C.UTF-8' } })
  const { stdout } = await run`${join(dirname(program), 'ansible-config')} dump --format json --type all`
  const dumped = JSON.parse(stdout) as Dumped[]
  const base = (name: string) => dumped.find((each) => each.name === name)?.value
  const ssh = (name: string) =>
    dumped
      .flatMap((each) => each.CONNECTION_PLUGINS ?? [])
      .flatMap((each) => each.ssh ?? [])
      .find((each) => each.name === name)?.value
  const { inventory, login } = ansibleSettings({ environment, folder: '/' })

  t.deepEqual(inventory, base('DEFAULT_HOST_LIST'))
  t.deepEqual(Object.fromEntries(Object.entries(login).map(([name, { value }]) => [name, value])), {
    user: base('DEFAULT_REMOTE_USER'),
    port: String(base('DEFAULT_REMOTE_PORT')),
    identityFile: base('DEFAULT_PRIVATE_KEY_FILE'),
    connection: base('DEFAULT_TRANSPORT'),
    first: ssh('ssh_args'),
    common: ssh('ssh_common_args'),
    extra: ssh('ssh_extra_args'),
  })
})
