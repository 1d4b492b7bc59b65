import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { ansibleFormat } from '../../../../engine/cli/ansible-format.ts'
import { inventoryFile } from '../../../../inventory/ansible/inventory-file.ts'
import { readSshArguments } from '../../../../inventory/ansible/ssh-arguments.ts'
import { projectFolder } from '../../../support/cli.ts'

/** What is read from an INI inventory with this text. */
async function load(t: ExecutionContext, text: string) {
  const folder = projectFolder(t, { hosts: text })
  const said: string[] = []
  const inventory = await inventoryFile(join(folder, 'hosts')).load({
    projectDirectory: folder,
    create: false,
    progress: (message) => said.push(message.replace(`${folder}/`, '')),
  })
  return { folder, said, inventory }
}

test('hosts are behind the one that their arguments for ssh name, and others are not', async (t) => {
  const { inventory, said } = await load(
    t,
    `[kafka]
vm1 ansible_host=10.0.1.10
[mongodb]
vm2 ansible_host=10.0.1.11 ansible_ssh_common_args='-o ProxyJump=none'
[all:vars]
ansible_ssh_common_args='-o ProxyJump=ops@door.example.invalid:2222 -o StrictHostKeyChecking=no'
`,
  )

  const [vm1, vm2] = inventory.hosts
  t.deepEqual(vm1?.jump, {
    name: 'ops@door.example.invalid:2222',
    address: 'door.example.invalid',
    port: 2222,
    user: 'ops',
    hostKeys: [],
    privateAddresses: ['door.example.invalid'],
    groups: [],
    variables: {},
  })
  t.is(vm2?.jump, undefined)
  t.deepEqual(said, [
    "hosts: ssh's -o StrictHostKeyChecking=no is left out, Sluice has its own way there: vm1",
  ])
})

test('user, port and key of the arguments count where Ansible would let them', async (t) => {
  const { inventory, folder } = await load(
    t,
    `a ansible_host=10.0.1.1 ansible_ssh_extra_args='-l late -p 3 -i key'
b ansible_host=10.0.1.2 ansible_user=own ansible_port=2 ansible_ssh_common_args='-l late -p 3'
c ansible_host=10.0.1.3 ansible_user=own ansible_port=2 ansible_ssh_args='-l first -p 1'
`,
  )

  t.deepEqual(
    inventory.hosts.map(({ user, port, identityFile }) => [user, port, identityFile]),
    [
      ['late', 3, join(folder, 'key')],
      ['own', 2, undefined],
      ['first', 1, undefined],
    ],
  )
})

test('a host that others are only reached through is left as it is, and so is what is not reached by SSH', async (t) => {
  const { inventory, said } = await load(
    t,
    `door ansible_host=203.0.113.5
localhost ansible_connection=local
[kafka]
vm1 ansible_host=10.0.1.10
[kafka:vars]
ansible_ssh_common_args='-J 203.0.113.5'
`,
  )

  t.deepEqual(
    inventory.hosts.map(({ name }) => name),
    ['vm1'],
  )
  t.deepEqual(said, [
    'hosts: left out, not reached by SSH: localhost',
    'hosts: left as it is, since others are reached through it and it has no part in the pipeline: door',
  ])
})

test('a host of the pipeline that others are reached through is one as any other, and not behind itself', async (t) => {
  const { inventory, said } = await load(
    t,
    `[processor]
vm3 ansible_host=203.0.113.5 sluice_private_addresses=10.0.1.12
[kafka]
vm1 ansible_host=10.0.1.10
[all:vars]
ansible_ssh_common_args='-J 203.0.113.5'
`,
  )

  t.deepEqual(
    inventory.hosts
      .map(({ name, address, port, jump }) => [name, address, port, jump?.address, jump?.port])
      .sort(),
    [
      ['vm1', '10.0.1.10', 22, '203.0.113.5', 22],
      ['vm3', '203.0.113.5', 22, undefined, undefined],
    ],
  )
  t.deepEqual(said, [])
})

test('a transport may be said', async (t) => {
  const { inventory } = await load(t, 'vm1 ansible_host=10.0.1.10 sluice_transport=openssh')

  t.is(inventory.hosts[0]?.transport, 'openssh')
})

test('the way that is written for Ansible is read again as the same', async (t) => {
  const { inventory } = await load(
    t,
    `vm1 ansible_host=10.0.1.10 ansible_ssh_common_args='-J ops@[2001:db8::1]:2222,in@door.example.invalid'`,
  )

  const written = ansibleFormat(inventory, inventory.hosts) as {
    _meta: { hostvars: { vm1: { ansible_ssh_common_args: string } } }
  }

  t.deepEqual(readSshArguments(written._meta.hostvars.vm1.ansible_ssh_common_args).jumps, [
    { name: '2001:db8::1', user: 'ops', port: 2222 },
    { name: 'door.example.invalid', user: 'in', port: 22 },
  ])
})

test('where both names of a variable are said the one with ssh in it counts, as it does for Ansible', async (t) => {
  const { inventory } = await load(
    t,
    `vm1 ansible_host=10.0.9.9 ansible_ssh_host=10.0.1.10 ansible_user=new ansible_ssh_user=old ansible_port=1 ansible_ssh_port=2
vm2 ansible_host=10.0.1.11 ansible_private_key_file=/new ansible_ssh_private_key_file=/old ssh_common_args='-l nobody'
`,
  )

  t.deepEqual(
    inventory.hosts.map(({ address, user, port, identityFile }) => [address, user, port, identityFile]),
    [
      ['10.0.1.10', 'old', 2, undefined],
      ['10.0.1.11', 'root', 22, '/old'],
    ],
  )
})
