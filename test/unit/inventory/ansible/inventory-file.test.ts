import { mkdirSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { SluiceError } from '../../../../engine/errors.ts'
import { inventoryFile } from '../../../../inventory/ansible/inventory-file.ts'
import { pipelineRules } from '../../../../inventory/policy.ts'
import { projectFolder } from '../../../support/cli.ts'

/** What is read from a file of this name with this text in it. */
async function load(t: ExecutionContext, name: string, text: string) {
  const folder = projectFolder(t, { [name]: text })
  const said: string[] = []
  const read = () =>
    inventoryFile(join(folder, name)).load({
      projectDirectory: folder,
      create: false,
      progress: (message) => said.push(message),
    })
  return { folder, said, read }
}

const ini = `
[kafka]
vm1 ansible_host=10.0.1.10 ansible_port=2222 ansible_user=admin

[processor]
vm3 ansible_host=vm3.example.org sluice_private_addresses=10.0.1.12,2001:db8::12

[pipeline:children]
kafka
processor

[kafka:vars]
kafka={'heapMb': 512}
http_port=80

[all:vars]
ansible_ssh_private_key_file=~/.ssh/id
sluice_admin=192.0.2.0/24, 2001:db8::/32
`

test('an INI inventory gives hosts, their groups, the variables of roles and the policy of the pipeline', async (t) => {
  const { read } = await load(t, 'hosts', ini)

  const { hosts, policy } = await read()

  t.deepEqual(policy, { admin: ['192.0.2.0/24', '2001:db8::/32'], rules: pipelineRules })
  t.deepEqual(hosts, [
    {
      name: 'vm1',
      address: '10.0.1.10',
      port: 2222,
      user: 'admin',
      identityFile: join(homedir(), '.ssh/id'),
      hostKeys: [],
      privateAddresses: ['10.0.1.10'],
      groups: ['pipeline', 'kafka'],
      variables: { kafka: { heapMb: 512 } },
    },
    {
      name: 'vm3',
      address: 'vm3.example.org',
      port: 22,
      user: 'root',
      identityFile: join(homedir(), '.ssh/id'),
      hostKeys: [],
      privateAddresses: ['10.0.1.12', '2001:db8::12'],
      groups: ['pipeline', 'processor'],
      variables: {},
    },
  ])
})

test('a YAML inventory of Ansible is told from one of Sluice', async (t) => {
  const ansible = await load(t, 'a.yaml', 'kafka:\n  hosts:\n    vm[1:2]: { ansible_host: 10.0.1.10 }\n')
  const own = await load(
    t,
    'b.yaml',
    'groups: {}\nhosts: { vm1: { address: 10.0.1.10, groups: [] } }\npolicy: { admin: [], rules: [] }\n',
  )
  const broken = await load(t, 'c.yaml', 'groups: {}\nhosts: {}\n')

  t.deepEqual(
    (await ansible.read()).hosts.map(({ name }) => name),
    ['vm1', 'vm2'],
  )
  t.deepEqual(
    (await own.read()).hosts.map(({ user }) => user),
    ['root'],
  )
  await t.throwsAsync(broken.read(), { message: /policy is missing/ })
})

test('variables in folders beside the file are read; those in encrypted files are said to be left out', async (t) => {
  const { folder, said, read } = await load(t, 'hosts', ini)
  mkdirSync(join(folder, 'group_vars', 'all'), { recursive: true })
  mkdirSync(join(folder, 'host_vars'))
  writeFileSync(
    join(folder, 'group_vars', 'all', 'a.yml'),
    'ansible_user: deploy\nsluice_admin: [10.0.0.0/8]\n',
  )
  writeFileSync(join(folder, 'group_vars', 'all', 'vault.yml'), '$ANSIBLE_VAULT;1.1;AES256\n6162\n')
  writeFileSync(join(folder, 'host_vars', 'vm3.yaml'), 'processor: { port: 8081 }\nbecome: !vault |\n  x\n')

  const { hosts, policy } = await read()

  t.deepEqual(
    hosts.map(({ user, variables }) => [user, variables]),
    [
      ['admin', { kafka: { heapMb: 512 } }],
      ['deploy', { processor: { port: 8081 } }],
    ],
  )
  t.deepEqual(policy.admin, ['10.0.0.0/8'])
  t.deepEqual(said, [
    `${join(folder, 'group_vars', 'all', 'vault.yml')}: left out, it is encrypted, and only Ansible opens it`,
  ])
})

test('variables beside the file that are no mapping are an error with their file', async (t) => {
  const { folder, read } = await load(t, 'hosts', ini)
  mkdirSync(join(folder, 'group_vars'))
  writeFileSync(join(folder, 'group_vars', 'kafka.yml'), '- a\n')

  const error = await t.throwsAsync(read(), { instanceOf: SluiceError })

  t.is(error.at, join(folder, 'group_vars', 'kafka.yml'))
  t.is(error.subject, 'variables should be a mapping')
})

for (const [title, name, text, place, subject] of [
  ['a section of an unknown kind', 'h.ini', '[a:hosts]\n[a:b]', ':2', /should end in :children or :vars/],
  ['a group that is nowhere declared', 'h.ini', '[a:children]\nb', ':2', /the group b is nowhere declared/],
  [
    'variables of a group that is not there',
    'h.ini',
    '[a:vars]\nb=1',
    ':1',
    /the group a is nowhere declared/,
  ],
  ['a word after a host', 'h.ini', 'vm1\nvm2 up', ':2', /should be name=value, got "up"/],
  ['a quotation mark alone', 'h.ini', 'vm1 a="b', ':1', /a quotation mark has no other/],
  ['a range that goes backwards', 'h.ini', 'vm[3:1]', ':1', /the range \[3:1\] should not go backwards/],
  [
    'a group that contains itself',
    'h.ini',
    '[a:children]\nb\n[b:children]\na',
    '',
    /the group a contains itself/,
  ],
  ['an unknown word in a group', 'h.yaml', 'a: { hosts: { b: 7 } }', ' > a > hosts > b', /should be/],
  ['a list of hosts', 'h.yaml', 'a: { hosts: [b, c] }', ' > a', /hosts should be a mapping/],
  ['a name for an address', 'h.ini', 'vm1', ' > vm1', /"vm1" is a name, not an address/],
  ['a port that is none', 'h.ini', 'vm1 ansible_host=10.0.0.1 ansible_port=ssh', ' > vm1', /port/],
  [
    'an expression of Jinja',
    'h.yaml',
    'a: { hosts: { b: { ansible_host: 10.0.0.1, kafka: { heapMb: "{{ heap }}" } } } }',
    ' > b',
    /kafka has an expression of Jinja/,
  ],
  [
    'an address that is an expression',
    'h.ini',
    'vm1 ansible_host="{{ ip }}"',
    ' > vm1',
    /ansible_host has an expression of Jinja/,
  ],
  [
    'a value of a vault for a role',
    'h.yaml',
    'a: { hosts: { b: { ansible_host: 10.0.0.1, mongodb: { password: !vault "$ANSIBLE_VAULT;1.1;AES256" } } } }',
    ' > b',
    /mongodb has a value from a vault/,
  ],
  [
    'a transport that there is not',
    'h.ini',
    'vm1 ansible_host=10.0.0.1 sluice_transport=telnet',
    ' > vm1',
    /transport should be/,
  ],
  [
    'an argument of ssh that is not understood',
    'h.ini',
    "vm1 ansible_host=10.0.0.1 ansible_ssh_common_args='-o PKCS11Provider=/lib/x.so'",
    ' > vm1',
    /ansible_ssh_common_args: -o PKCS11Provider=\/lib\/x.so is not understood/,
  ],
] as const) {
  test(`${title} is an error with its place`, async (t) => {
    const { folder, read } = await load(t, name, text)

    const error = await t.throwsAsync(read(), { instanceOf: SluiceError })

    t.is(error.code, 'INVENTORY_INVALID')
    t.is(error.at, `${join(folder, name)}${place}`)
    t.regex(error.subject, subject)
  })
}
