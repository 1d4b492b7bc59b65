import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { SluiceError } from '../../../../engine/errors.ts'
import { inventoryFile } from '../../../../inventory/ansible/inventory-file.ts'
import { projectFolder } from '../../../support/cli.ts'

/** A folder with these files, and what is read of one of them, or of the folder. */
function written(t: ExecutionContext, files: Record<string, string>) {
  const folder = projectFolder(t)
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  const said: string[] = []
  const read = (name: string, environment: NodeJS.ProcessEnv = { ANSIBLE_CONFIG: '/dev/null' }) =>
    inventoryFile(join(folder, name), { environment, folder }).load({
      projectDirectory: folder,
      create: false,
      progress: (message) => said.push(message),
    })
  return { folder, said, read }
}

test('a folder of inventories is one, and what its later files say wins', async (t) => {
  const { folder, said, read } = written(t, {
    'inv/10-hosts': '[kafka]\nvm1 ansible_host=10.0.1.10 ansible_user=admin\n',
    'inv/20-more.yml': 'mongodb: { hosts: { vm2: { ansible_host: 10.0.1.11 } } }\n',
    'inv/30-late': '[all:vars]\nansible_user=late\n[kafka]\nvm1 ansible_port=2222\n',
    'inv/old.ini': 'vm9\n',
    'inv/README.md': 'vm8\n',
    'inv/group_vars/kafka.yml': 'kafka: { heapMb: 512 }\n',
  })

  const { name, hosts } = await read('inv')

  t.is(name, join(folder, 'inv'))
  t.deepEqual(
    hosts.map(({ name, address, port, user, groups, variables }) => [
      name,
      address,
      port,
      user,
      groups,
      variables,
    ]),
    [
      ['vm1', '10.0.1.10', 2222, 'admin', ['kafka'], { kafka: { heapMb: 512 } }],
      ['vm2', '10.0.1.11', 22, 'late', ['mongodb'], {}],
    ],
  )
  t.deepEqual(said, [`${join(folder, 'inv')}: passed over, as Ansible does in folders: old.ini`])
})

test('key files are relative to the folder', async (t) => {
  const { folder, read } = written(t, {
    'inv/hosts': 'vm1 ansible_host=10.0.1.10 ansible_ssh_private_key_file=keys/id\n',
  })

  t.is((await read('inv')).hosts[0]?.identityFile, join(folder, 'inv/keys/id'))
})

test('variables lie beside the symbolic link to an inventory, not beside what it points to', async (t) => {
  const { folder, read } = written(t, {
    'real/hosts': 'vm1 ansible_host=10.0.1.10\n',
    'real/group_vars/all.yml': 'ansible_user: real\n',
    'linked/group_vars/all.yml': 'ansible_user: linked\n',
  })
  symlinkSync('../real/hosts', join(folder, 'linked/hosts'))

  t.is((await read('linked/hosts')).hosts[0]?.user, 'linked')
})

for (const [title, text, subject] of [
  [
    'an inventory script is refused, and not run',
    '#!/bin/sh\ntouch ran\n',
    'the inventory is an inventory script, which only Ansible reads',
  ],
  ['a program is refused, and not run', '\x7fELF\0\0', 'the inventory is no text, which only Ansible reads'],
] as const) {
  for (const place of ['inv', 'inv/hosts']) {
    test(`${title}, by the name of its ${place === 'inv' ? 'folder' : 'file'}`, async (t) => {
      const { folder, read } = written(t, { 'inv/hosts': text })
      chmodSync(join(folder, 'inv/hosts'), 0o755)

      const error = await t.throwsAsync(read(place), { instanceOf: SluiceError })

      t.is(error.code, 'INVENTORY_INVALID')
      t.is(error.subject, subject)
      t.is(error.at, join(folder, 'inv/hosts'))
      t.regex(error.advice ?? '', /ansible-inventory --inventory .*hosts --list --yaml --export/)
    })
  }
}

test('a text that may be executed is read, as long as nothing could run it', async (t) => {
  const { folder, read } = written(t, { hosts: 'vm1 ansible_host=10.0.1.10\n' })
  chmodSync(join(folder, 'hosts'), 0o755)

  t.is((await read('hosts')).hosts.length, 1)
})

for (const [title, files, at, subject] of [
  [
    'the configuration of an inventory plugin',
    { 'inv/aws_ec2.yml': 'plugin: amazon.aws.aws_ec2\nregions: [eu-central-1]\n' },
    'inv/aws_ec2.yml',
    /is for the inventory plugin amazon\.aws\.aws_ec2/,
  ],
  ['TOML', { 'inv/hosts.toml': '[kafka.hosts]\nvm1 = {}\n' }, 'inv/hosts.toml', /is TOML/],
  [
    'an inventory of Sluice among those of Ansible',
    { 'inv/a': 'vm1\n', 'inv/b.yaml': 'groups: {}\nhosts: {}\npolicy: { admin: [], rules: [] }\n' },
    'inv/b.yaml',
    /this is no inventory of Ansible/,
  ],
  ['a line that is none', { 'inv/a': 'vm1\n', 'inv/b': 'vm2 up\n' }, 'inv/b:1', /should be name=value/],
  ['a folder with nothing in it', { 'inv/.keep': '' }, 'inv', /there is no inventory in this folder/],
  [
    'a folder in which everything is passed over',
    { 'inv/hosts.ini': 'vm1\n' },
    'inv',
    /there is no inventory in this folder/,
  ],
] as const) {
  test(`${title} is an error with its place`, async (t) => {
    const { folder, read } = written(t, files)

    const error = await t.throwsAsync(read('inv'), { instanceOf: SluiceError })

    t.is(error.code, 'INVENTORY_INVALID')
    t.is(error.at, join(folder, at))
    t.regex(error.subject, subject)
  })
}

test('a folder that contains itself is an error, as is a link to nothing', async (t) => {
  const { folder, read } = written(t, { 'inv/hosts': 'vm1\n', 'broken/hosts': 'vm1\n' })
  symlinkSync('.', join(folder, 'inv/self'))
  symlinkSync('nowhere', join(folder, 'broken/link'))

  await t.throwsAsync(read('inv'), { message: /a folder of inventories contains itself/ })
  await t.throwsAsync(read('broken'), { message: /the inventory cannot be read/ })
})
