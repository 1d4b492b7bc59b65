import test from 'ava'
import { ansibleFormat } from '../../../../engine/cli/ansible-format.ts'
import { edgesOf, graphMermaid, graphText } from '../../../../engine/cli/inventory-graph.ts'
import type { Host, Inventory, PolicyRule } from '../../../../engine/inventory.ts'

function hostWith(changes: Partial<Host> & { name: string }): Host {
  return {
    address: '10.0.1.10',
    port: 22,
    user: 'admin',
    hostKeys: [],
    privateAddresses: ['10.0.1.10'],
    groups: [],
    variables: {},
    ...changes,
  }
}

const rule = (from: string[], to: string, port: number): PolicyRule => ({ from, to, port, protocol: 'tcp' })

const inventory: Inventory = {
  name: 'test',
  hosts: [
    hostWith({ name: 'vm1', groups: ['kafka', 'eu'], variables: { kafka: { heapMb: 512 } } }),
    hostWith({
      name: 'vm2',
      address: 'fd77::2',
      port: 2222,
      identityFile: '/keys/id',
      groups: ['processor'],
      jump: hostWith({
        name: 'b2',
        address: 'fd77::1',
        jump: hostWith({ name: 'b1', address: 'gate.example.org' }),
      }),
    }),
    hostWith({ name: 'vm3' }),
  ],
  variables: { base: { timezone: 'UTC' } },
  groupVariables: { kafka: { kafka: { heapMb: 256, retentionHours: 72 } } },
  policy: {
    admin: ['192.0.2.0/24'],
    rules: [
      rule(['processor', '10.0.9.0/24'], 'kafka', 9092),
      rule(['processor'], 'kafka', 9093),
      rule(['processor'], 'kafka', 8000),
      rule(['admin'], 'all', 22),
    ],
  },
}

test('rules between the same two are one edge, whose ports are ranges where they can be', (t) => {
  t.deepEqual(edgesOf(inventory), [
    { from: 'processor', to: 'kafka', ports: ['8000/tcp', '9092-9093/tcp'] },
    { from: '10.0.9.0/24', to: 'kafka', ports: ['9092/tcp'] },
    { from: 'admin', to: 'all', ports: ['22/tcp'] },
  ])
})

test('ranges that meet are one, and what has no ports stands beside those that have', (t) => {
  const between = { from: ['processor'], to: 'kafka' }
  const rules: PolicyRule[] = [
    { ...between, protocol: 'tcp', port: '9000:9100' },
    { ...between, protocol: 'tcp', port: '9050:9200' },
    { ...between, protocol: 'udp' },
    { ...between, protocol: 'icmp', type: '8' },
    { ...between, protocol: 'all' },
  ]

  t.deepEqual(edgesOf({ ...inventory, policy: { admin: [], rules } }), [
    { from: 'processor', to: 'kafka', ports: ['9000-9200/tcp', 'all udp', 'icmp 8', 'all traffic'] },
  ])
})

test('the graph names whom each group lets in, and who that is', (t) => {
  t.deepEqual(graphText(inventory), [
    'kafka (vm1)',
    '   8000/tcp, 9092-9093/tcp  from  processor (vm2)',
    '   9092/tcp                 from  10.0.9.0/24',
    '',
    'every host',
    '   22/tcp  from  admin (192.0.2.0/24)',
  ])
})

test('a policy without rules is said to let nobody in', (t) => {
  t.deepEqual(graphText({ ...inventory, policy: { admin: [], rules: [] } }), [
    'Nobody may reach anything: the policy has no rules.',
  ])
})

test('the graph is a flowchart of Mermaid too', (t) => {
  t.deepEqual(graphMermaid(inventory), [
    'flowchart LR',
    '  n0["processor<br/>(vm2)"]',
    '  n1["kafka<br/>(vm1)"]',
    '  n2["10.0.9.0/24"]',
    '  n3["admin<br/>(192.0.2.0/24)"]',
    '  n4["every host"]',
    '  n0 -->|"8000/tcp, 9092-9093/tcp"| n1',
    '  n2 -->|"9092/tcp"| n1',
    '  n3 -->|"22/tcp"| n4',
  ])
})

test('for Ansible, hosts have their merged variables and the words for how they are reached', (t) => {
  t.deepEqual(ansibleFormat(inventory, inventory.hosts), {
    _meta: {
      hostvars: {
        vm1: {
          base: { timezone: 'UTC' },
          kafka: { heapMb: 512, retentionHours: 72 },
          ansible_host: '10.0.1.10',
          ansible_port: 22,
          ansible_user: 'admin',
        },
        vm2: {
          base: { timezone: 'UTC' },
          ansible_host: 'fd77::2',
          ansible_port: 2222,
          ansible_user: 'admin',
          ansible_ssh_private_key_file: '/keys/id',
          ansible_ssh_common_args: '-o ProxyJump=admin@gate.example.org:22,admin@[fd77::1]:22',
        },
        vm3: {
          base: { timezone: 'UTC' },
          ansible_host: '10.0.1.10',
          ansible_port: 22,
          ansible_user: 'admin',
        },
      },
    },
    all: { children: ['ungrouped', 'eu', 'kafka', 'processor'] },
    eu: { hosts: ['vm1'] },
    kafka: { hosts: ['vm1'] },
    processor: { hosts: ['vm2'] },
    ungrouped: { hosts: ['vm3'] },
  })
})
