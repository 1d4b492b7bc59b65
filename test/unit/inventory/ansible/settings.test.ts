import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { SluiceError } from '../../../../engine/errors.ts'
import { inventoryFile } from '../../../../inventory/ansible/inventory-file.ts'
import { ansibleSettings } from '../../../../inventory/ansible/settings.ts'
import { projectFolder, sluice } from '../../../support/cli.ts'

function written(t: ExecutionContext, files: Record<string, string>) {
  const folder = projectFolder(t)
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return folder
}

async function load(folder: string, name: string, environment: NodeJS.ProcessEnv = {}) {
  const said: string[] = []
  const { hosts } = await inventoryFile(join(folder, name), { environment, folder }).load({
    projectDirectory: folder,
    create: false,
    progress: (message) => said.push(message),
  })
  return { hosts, said }
}

const configuration = `
[defaults]
inventory = hosts, more/
remote_user = deploy
remote_port = 2201
private_key_file = keys/id
host_key_checking = False
forks = 20
[ssh_connection]
ssh_args = -o ControlMaster=auto -o ControlPersist=60s
ssh_common_args = -o StrictHostKeyChecking=no -l nobody
pipelining = True
`

test('who logs in and with which key is in ansible.cfg, for hosts that do not say otherwise', async (t) => {
  const folder = written(t, {
    'ansible.cfg': configuration,
    hosts: 'vm1 ansible_host=10.0.1.10\nvm2 ansible_host=10.0.1.11 ansible_ssh_user=own ansible_port=22\n',
    'more/vm3': 'vm3 ansible_host=10.0.1.12 ansible_private_key_file=~/other\n',
  })

  const { hosts, said } = await load(folder, 'ansible.cfg')
  const alone = await load(folder, 'hosts')

  t.deepEqual(
    hosts.map(({ name, user, port, identityFile }) => [name, user, port, identityFile]),
    [
      ['vm1', 'deploy', 2201, join(folder, 'keys/id')],
      ['vm2', 'own', 22, join(folder, 'keys/id')],
      ['vm3', 'deploy', 2201, join(homedir(), 'other')],
    ],
  )
  t.deepEqual(
    alone.hosts.map(({ user }) => user),
    ['deploy', 'own'],
  )
  const file = join(folder, 'ansible.cfg')
  t.deepEqual(said.slice(0, 2), [
    `for hosts that do not say otherwise: remote_user of ${file}, remote_port of ${file}, private_key_file of ${file}, ssh_args of ${file}, ssh_common_args of ${file}`,
    `${file}: left out, Sluice has its own way there: host_key_checking, pipelining`,
  ])
  t.regex(said[2] ?? '', /ssh's -o ControlMaster=auto is left out/)
})

test('arguments of ssh in ansible.cfg that are not understood are an error with its name', async (t) => {
  const folder = written(t, {
    'ansible.cfg': '[ssh_connection]\nssh_common_args = -o Tunnel=yes\n',
    hosts: 'vm1 ansible_host=10.0.1.10\n',
  })

  const error = await t.throwsAsync(load(folder, 'hosts'), { instanceOf: SluiceError })

  t.is(error.subject, `ssh_common_args of ${join(folder, 'ansible.cfg')}: -o Tunnel=yes is not understood`)
})

test('hosts are left out by the transport of ansible.cfg, unless they say ssh', async (t) => {
  const folder = written(t, {
    'ansible.cfg': '[defaults]\ntransport = local\n',
    hosts: 'vm1 ansible_host=10.0.1.10\nvm2 ansible_host=10.0.1.11 ansible_connection=ssh\n',
  })

  const { hosts } = await load(folder, 'hosts')

  t.deepEqual(
    hosts.map(({ name }) => name),
    ['vm2'],
  )
})

test('ANSIBLE_CONFIG comes before ansible.cfg of the working directory; it may be a folder', (t) => {
  const folder = written(t, { 'ansible.cfg': '', 'other/ansible.cfg': '[defaults]\ninventory = a, ~/b\n' })

  t.is(ansibleSettings({ environment: {}, folder }).file, join(folder, 'ansible.cfg'))
  for (const ANSIBLE_CONFIG of ['other', './other/ansible.cfg', join(folder, 'other')]) {
    const { file, inventory } = ansibleSettings({ environment: { ANSIBLE_CONFIG }, folder })
    t.is(file, join(folder, 'other/ansible.cfg'))
    t.deepEqual(inventory, [join(folder, 'other/a'), join(homedir(), 'b')])
  }
  t.is(
    ansibleSettings({ environment: { ANSIBLE_CONFIG: 'nowhere' }, folder }).file,
    join(folder, 'ansible.cfg'),
  )
})

test('ansible.cfg in a folder that everybody may write into is left out, and said', (t) => {
  const folder = written(t, { 'ansible.cfg': '[defaults]\nremote_user = evil\n' })
  chmodSync(folder, 0o777)

  const { login, remarks } = ansibleSettings({ environment: {}, folder })

  t.deepEqual(login, {})
  t.regex(remarks[0] ?? '', /ansible\.cfg is left out, as Ansible does/)
})

for (const [title, text, at, subject] of [
  ['that is none', 'inventory = hosts\n', ':1', /before the first section there should be nothing/],
  ['with a line that is none', '[defaults]\ninventory\n', ':2', /should be name = value, got "inventory"/],
  ['with a setting twice', '[defaults]\na = 1\nA = 2\n', ':3', /a is there twice/],
  ['with a section twice', '[a]\n[b]\n[a]\n', ':3', /\[a\] is there twice/],
  [
    'that merges variables',
    '[defaults]\nhash_behaviour = merge\n',
    ' > defaults',
    /with hash_behaviour of .* = merge Ansible reads other variables/,
  ],
  ['with an empty source', '[defaults]\ninventory = a,\n', ' > defaults', /has an empty place in it/],
  [
    'with an expression of Jinja',
    '[defaults]\nremote_user = {{ me }}\n',
    ' > defaults',
    /remote_user of .* has an expression of Jinja in it/,
  ],
] as const) {
  test(`a configuration of Ansible ${title} is an error with its place`, (t) => {
    const folder = written(t, { 'ansible.cfg': text })

    const error = t.throws(() => ansibleSettings({ environment: {}, folder }), { instanceOf: SluiceError })

    t.is(error.code, 'INVENTORY_INVALID')
    t.is(error.at, `${join(folder, 'ansible.cfg')}${at}`)
    t.regex(error.subject, subject)
  })
}

test('an ansible.cfg that names no inventory says how to name one', async (t) => {
  const folder = written(t, { 'ansible.cfg': '[defaults]\n' })

  const error = await t.throwsAsync(load(folder, 'ansible.cfg'), { instanceOf: SluiceError })

  t.is(error.subject, 'nothing says which inventories of Ansible are meant')
  t.is(error.at, join(folder, 'ansible.cfg'))
})

test('--inventory ansible is what ansible.cfg names, --inventory of a folder what is in it', async (t) => {
  const folder = written(t, {
    'ansible.cfg': '[defaults]\ninventory = inv\nremote_user = deploy\n',
    'inv/hosts': 'vm1 ansible_host=10.0.1.10\n',
  })
  for (const name of ['ansible', 'inv', 'ansible.cfg']) {
    const { exitCode, stdout, stderr } = await sluice(folder, ['inventory', 'show', '-i', name])

    t.is(exitCode, 0, stderr)
    t.regex(stdout, /vm1 +deploy@10\.0\.1\.10 /)
  }
})
