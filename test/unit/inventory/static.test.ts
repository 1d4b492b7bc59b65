import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { SluiceError } from '../../../engine/errors.ts'
import { selectHosts } from '../../../engine/select.ts'
import { variablesOf } from '../../../engine/variables.ts'
import { readInventory } from '../../../inventory/static.ts'
import { provision } from '../../../playbooks/provision.ts'

const example = join(import.meta.dirname, '../../../inventory/example.yaml')

const valid = {
  defaults: { user: 'admin', port: 2222, identityFile: 'keys/id' },
  variables: { kafka: { port: 9092 } },
  groups: { kafka: { variables: { kafka: { heapMb: 512 } } }, mongodb: null },
  hosts: {
    vm1: { address: '10.0.1.10', groups: ['kafka'] },
    vm2: {
      address: 'vm2.example.org',
      port: 22,
      groups: ['mongodb'],
      privateAddresses: ['10.0.1.11', 'fd77::11'],
    },
  },
  policy: {
    admin: ['10.0.0.0/8'],
    rules: [{ from: ['admin', '192.0.2.0/24', 'mongodb'], to: 'all', port: 22 }],
  },
}

test('the example in the repository is an inventory of four hosts', (t) => {
  const { hosts, policy } = readInventory(example, readFileSync(example, 'utf8'))

  t.deepEqual(
    hosts.map(({ name, privateAddresses }) => [name, privateAddresses]),
    [
      ['vm1', ['10.0.1.10']],
      ['vm2', ['10.0.1.11']],
      ['vm3', ['10.0.1.12']],
      ['vm4', ['10.0.1.13']],
    ],
  )
  t.is(hosts[0]?.identityFile, join(homedir(), '.ssh/id_ed25519'))
  t.is(policy.rules.length, 4)
})

test('the roles take the variables of the example', (t) => {
  const inventory = readInventory(example, readFileSync(example, 'utf8'))
  const roles = provision.plays.flatMap((play) => play.roles)

  for (const host of inventory.hosts) {
    const variables = variablesOf(host, inventory, [])
    for (const role of roles) t.notThrows(() => role.read(variables[role.name], host.name))
  }
})

test('JSON is read too; hosts take the defaults that they do not override', (t) => {
  const { hosts, variables, groupVariables } = readInventory('/project/hosts.json', JSON.stringify(valid))

  t.deepEqual(hosts[0], {
    name: 'vm1',
    address: '10.0.1.10',
    port: 2222,
    user: 'admin',
    identityFile: '/project/keys/id',
    hostKeys: [],
    privateAddresses: ['10.0.1.10'],
    groups: ['kafka'],
    variables: {},
  })
  t.is(hosts[1]?.port, 22)
  t.deepEqual(variables, { kafka: { port: 9092 } })
  t.deepEqual(groupVariables, { kafka: { kafka: { heapMb: 512 } }, mongodb: {} })
})

type Tree = Record<string, unknown>

/** The valid file with one value replaced. */
function changed(path: string[], value: unknown): string {
  const copy: Tree = structuredClone(valid)
  const last = path.at(-1) ?? ''
  const parent = path.slice(0, -1).reduce<Tree>((tree, key) => tree[key] as Tree, copy)
  parent[last] = value
  return JSON.stringify(copy)
}

for (const [path, value, subject] of [
  [['hosts', 'vm1', 'port'], 'ssh', 'hosts/vm1/port should be number, got "ssh"'],
  [['hosts', 'vm1', 'address'], '', 'hosts/vm1/address should not be empty'],
  [['hosts', 'vm1', 'address'], undefined, 'hosts/vm1/address is missing'],
  [['hosts', 'vm1', 'adress'], '10.0.0.1', 'hosts/vm1/adress is not known'],
  [['hosts', 'vm1', 'groups'], ['kafak'], 'hosts/vm1/groups/0 should be one of kafka, mongodb, got "kafak"'],
  [
    ['hosts', 'vm1', 'privateAddresses'],
    ['10.0.1'],
    'hosts/vm1/privateAddresses/0 should be an IPv4 or IPv6 address, got "10.0.1"',
  ],
  [
    ['hosts', 'vm2', 'privateAddresses'],
    undefined,
    'hosts/vm2/privateAddresses is missing: the address "vm2.example.org" is a name, not an address',
  ],
  [
    ['hosts', 'vm3'],
    { address: '10.0.1.10', groups: [] },
    'hosts/vm3/address is that of vm1 too: 10.0.1.10:2222',
  ],
  [
    ['policy', 'admin'],
    ['10.0.0.0/33'],
    'policy/admin/0 should be a network such as 10.0.1.0/24 or fd77::/64, got "10.0.0.0/33"',
  ],
  [
    ['policy', 'rules'],
    [{ from: ['procesor'], to: 'kafka', port: 9092 }],
    'policy/rules/0/from should be admin, a network or one of kafka, mongodb, got "procesor"',
  ],
  [
    ['policy', 'rules'],
    [{ from: ['admin'], to: 'web', port: 80 }],
    'policy/rules/0/to should be all or one of kafka, mongodb, got "web"',
  ],
  [['groups', 'all'], null, 'groups/all should have another name, "all" stands for something else'],
] as const) {
  test(`a mistake is named with its place, what was expected and what was found: ${subject}`, (t) => {
    const error = t.throws(() => readInventory('hosts.json', changed([...path], value)), {
      instanceOf: SluiceError,
    })

    t.is(error.code, 'INVENTORY_INVALID')
    t.is(error.subject, subject)
    t.is(error.at, 'hosts.json')
    t.truthy(error.advice)
  })
}

test('what is no YAML is an error with line and column', (t) => {
  const error = t.throws(() => readInventory('hosts.yaml', 'hosts:\n  vm1: [\n'), { instanceOf: SluiceError })

  t.is(error.code, 'INVENTORY_INVALID')
  t.regex(error.at ?? '', /^hosts\.yaml:\d+:\d+$/)
})

test('a host that is written twice is an error, not the last one', (t) => {
  const error = t.throws(() => readInventory('hosts.yaml', 'hosts:\n  vm1: {}\n  vm1: {}\n'), {
    instanceOf: SluiceError,
  })

  t.regex(error.why ?? '', /unique/)
})

const bastion = { address: '192.0.2.1', user: 'gate' }

test('a host has the way that it says, else the default one, chains and hosts that are only gone through included', (t) => {
  const { hosts } = readInventory(
    'hosts.json',
    JSON.stringify({
      ...valid,
      defaults: { jump: 'inner', transport: 'openssh', user: 'admin' },
      jumpHosts: { bastion, inner: { address: '10.0.0.1', jump: 'bastion', transport: 'node-ssh' } },
      hosts: { ...valid.hosts, vm3: { address: '10.0.1.12', groups: [], jump: 'bastion' } },
    }),
  )

  const [vm1, , vm3] = hosts
  t.is(vm1?.transport, 'openssh')
  t.is(vm1?.jump?.name, 'inner')
  t.is(vm1?.jump?.transport, 'node-ssh')
  t.is(vm1?.jump?.jump?.name, 'bastion')
  t.is(vm1?.jump?.jump?.user, 'gate')
  t.is(vm1?.jump?.jump?.jump, undefined)
  t.is(vm3?.jump?.name, 'bastion')
})

for (const [title, change, subject] of [
  [
    'a loop',
    {
      jumpHosts: { bastion: { ...bastion, jump: 'inner' }, inner: { address: '10.0.0.1', jump: 'bastion' } },
    },
    /jumpHosts\/bastion\/jump leads back to bastion: bastion > inner > bastion/,
  ],
  ['itself', { jumpHosts: { bastion: { ...bastion, jump: 'bastion' } } }, /leads back to bastion/],
  ['nobody', { jumpHosts: { bastion: { ...bastion, jump: 'gone' } } }, /jump should be one of .*got "gone"/],
  ['two of a name', { jumpHosts: { vm1: bastion } }, /jumpHosts\/vm1 is in hosts too/],
] as const) {
  test(`a way through ${title} is named with its place`, (t) => {
    const error = t.throws(() => readInventory('hosts.json', JSON.stringify({ ...valid, ...change })), {
      instanceOf: SluiceError,
    })

    t.is(error.code, 'INVENTORY_INVALID')
    t.regex(error.subject, subject)
  })
}

test('a host is in the groups of its groups too, and the variables of the inner ones win', (t) => {
  const inventory = readInventory(
    '/project/hosts.json',
    JSON.stringify({
      ...valid,
      groups: {
        kafka: { variables: { kafka: { heapMb: 512 } } },
        mongodb: null,
        site1: { children: ['kafka', 'mongodb'], variables: { kafka: { heapMb: 256, port: 9093 } } },
        europe: { children: ['site1'], variables: { kafka: { retentionHours: 1 } } },
      },
    }),
  )
  const [vm1] = inventory.hosts

  t.deepEqual(vm1?.groups, ['europe', 'site1', 'kafka'])
  t.deepEqual(vm1 && variablesOf(vm1, inventory, []), {
    kafka: { port: 9093, heapMb: 512, retentionHours: 1 },
  })
  t.deepEqual(
    selectHosts(inventory, 'europe:&kafka').map(({ name }) => name),
    ['vm1'],
  )
  t.deepEqual(
    selectHosts(inventory, 'site1:!vm1').map(({ name }) => name),
    ['vm2'],
  )
})

test('a group within itself, and one of groups that are not there, are mistakes', (t) => {
  const groups = { kafka: { children: ['site1'] }, mongodb: null, site1: { children: ['kafka', 'site9'] } }

  const error = t.throws(() => readInventory('/project/hosts.json', JSON.stringify({ ...valid, groups })), {
    instanceOf: SluiceError,
  })

  t.regex(error?.subject ?? '', /groups\/kafka\/children should not lead back to kafka/)
  t.regex(
    error?.subject ?? '',
    /groups\/site1\/children\/1 should be one of kafka, mongodb, site1, got "site9"/,
  )
})

test('an alias of what is nowhere is an error of the file, not of Sluice', (t) => {
  const error = t.throws(() => readInventory('hosts.yaml', 'groups: *none\n'), { instanceOf: SluiceError })

  t.is(error.code, 'INVENTORY_INVALID')
  t.is(error.at, 'hosts.yaml')
  t.regex(error.why ?? '', /Unresolved alias/)
})
