import { isDeepStrictEqual } from 'node:util'
import test from 'ava'
import { SluiceError } from '../../../../engine/errors.ts'
import type { Host } from '../../../../engine/inventory.ts'
import { trafficName } from '../../../../engine/policy.ts'
import { hostsOf } from '../../../../inventory/aws/hosts.ts'
import type { IngressRule, Instance, Observation } from '../../../../inventory/aws/observation.ts'
import { mirrorOf } from '../../../../inventory/aws/security-groups.ts'
import { findingsOf } from '../../../../inventory/findings.ts'
import { pipelineRules } from '../../../../inventory/policy.ts'
import { inboundRules } from '../../../../roles/firewall.ts'
import { groupWith, instanceWith, observationWith, settingsWith } from './cloud.ts'

const none = { networks: [], prefixLists: [], groups: [] }
const tcp = (port: number, sources: Partial<IngressRule>): IngressRule => ({
  protocol: 'tcp',
  fromPort: port,
  toPort: port,
  ...none,
  ...sources,
})

const kafka = instanceWith({ id: 'i-1', groups: ['sg-1'], addresses: ['10.0.1.10', '2001:db8::10'] })
const processor = instanceWith({
  id: 'i-2',
  groups: ['sg-2'],
  addresses: ['10.0.1.12'],
  tags: { Role: 'processor', Name: 'vm3' },
})

/** The mirror of a group of the Kafka host that says this, beside one of the processor that says nothing. */
function mirrorWith(
  ingress: IngressRule[],
  changes: Partial<Observation> = {},
  instances: Instance[] = [kafka, processor],
) {
  const observation = observationWith({
    securityGroups: [groupWith({ id: 'sg-1', ingress }), groupWith({ id: 'sg-2', name: 'processor' })],
    ...changes,
  })
  const hosts = hostsOf(instances, observation, settingsWith())
  return { ...mirrorOf(instances, hosts, observation), hosts }
}

test('a group that refers to a group lets its members in: hosts by name, anything else by address', (t) => {
  const { policy } = mirrorWith([tcp(9092, { groups: [{ id: 'sg-2' }, { id: 'sg-1' }] })], {
    members: { 'sg-1': ['10.0.1.10', '2001:db8::10'], 'sg-2': ['10.0.1.12', '10.0.1.77', '2001:db8::77'] },
  })

  t.deepEqual(policy.rules, [
    {
      from: ['sg_processor', '10.0.1.77/32', '2001:db8::77/128', 'sg_kafka'],
      to: 'sg_kafka',
      port: 9092,
      protocol: 'tcp',
      at: 'the security group kafka (sg-1)',
    },
  ])
})

test('networks of both families and prefix lists are said as they are', (t) => {
  const { policy } = mirrorWith(
    [tcp(22, { networks: ['10.0.0.0/8', '2001:db8::/32'], prefixLists: ['pl-1'] })],
    {
      prefixLists: { 'pl-1': ['192.0.2.0/24', '10.0.0.0/8'] },
    },
  )

  t.deepEqual(policy.rules[0]?.from, ['10.0.0.0/8', '2001:db8::/32', '192.0.2.0/24'])
  t.deepEqual(policy.admin, ['10.0.0.0/8', '2001:db8::/32', '192.0.2.0/24'])
})

test('ranges, every port, all traffic and protocols without ports are said as they are, by name or number', (t) => {
  const everywhere = { ...none, networks: ['10.0.0.0/8', '2001:db8::/32'] }
  const { policy, remarks } = mirrorWith([
    { protocol: '17', fromPort: 5000, toPort: 5002, ...everywhere },
    { protocol: 'tcp', fromPort: 0, toPort: 65_535, ...everywhere },
    { protocol: 'udp', ...everywhere },
    { protocol: 'tcp', fromPort: 0, toPort: 1023, ...everywhere },
    { protocol: '-1', fromPort: -1, toPort: -1, ...everywhere },
    { protocol: '50', ...everywhere },
    { protocol: '47', ...everywhere },
  ])

  t.deepEqual(policy.rules.map(trafficName), [
    '5000-5002/udp',
    'all tcp',
    'all udp',
    '1-1023/tcp',
    'all traffic',
    'all esp',
    'all gre',
  ])
  t.deepEqual(remarks, [])
  t.deepEqual(policy.admin, everywhere.networks)
})

test('ICMP is said by type and code, to the networks of its family', (t) => {
  const networks = ['10.0.0.0/8', '2001:db8::/32']
  const icmp = (protocol: string, fromPort: number, toPort = -1) => ({
    protocol,
    fromPort,
    toPort,
    ...none,
    networks,
    groups: [{ id: 'sg-2' }],
  })
  const { policy, remarks } = mirrorWith(
    [
      icmp('icmp', 8),
      icmp('1', -1),
      icmp('icmp', 3, 4),
      icmp('icmpv6', 128),
      icmp('icmpv6', 144),
      icmp('58', -1),
      icmp('icmpv6', 135),
    ],
    { members: { 'sg-2': ['10.0.1.12', '10.0.1.77', '2001:db8::77'] } },
  )

  t.deepEqual(
    policy.rules.map((rule) => [trafficName(rule), ...rule.from]),
    [
      ['icmp 8', 'sg_processor', '10.0.1.77/32', '10.0.0.0/8'],
      ['all icmp', 'sg_processor', '10.0.1.77/32', '10.0.0.0/8'],
      ['icmp 3/4', 'sg_processor', '10.0.1.77/32', '10.0.0.0/8'],
      ['icmpv6 128', 'sg_processor', '2001:db8::77/128', '2001:db8::/32'],
      ['icmpv6 144', 'sg_processor', '2001:db8::77/128', '2001:db8::/32'],
      ['all icmpv6', 'sg_processor', '2001:db8::77/128', '2001:db8::/32'],
    ],
  )
  t.deepEqual(
    remarks.map((remark) => remark.replace(/ from .*?: /, ' … ')),
    ['sg_kafka (sg-1): icmpv6 135 … IPv6 itself lives on it; ufw lets it in on every host, rule or not'],
  )
})

test('a group that nobody is in lets nobody in, which is said', (t) => {
  const { policy, remarks } = mirrorWith([tcp(9092, { groups: [{ id: 'sg-9' }] })], {
    members: { 'sg-9': [] },
  })

  t.deepEqual(policy.rules, [])
  t.deepEqual(remarks, [
    'sg_kafka (sg-1): tcp 9092 from sg-9 lets nobody in: what it refers to has no members',
  ])
})

test('groups of no host are read for their members, not for their rules', (t) => {
  const { policy } = mirrorWith([], {
    securityGroups: [groupWith({ id: 'sg-7', ingress: [tcp(1, { networks: ['10.0.0.0/8'] })] })],
  })

  t.deepEqual(policy.rules, [])
})

for (const [title, rule, why] of [
  [
    'another protocol',
    { protocol: '2', ...none, networks: ['10.0.0.0/8'] },
    'protocol 2 from 10.0.0.0/8: ufw cannot tell the protocol 2 from others',
  ],
  ['the port 0', tcp(0, { networks: ['10.0.0.0/8'] }), 'tcp 0 from 10.0.0.0/8: ports are from 1 to 65535'],
  [
    'a type of ICMP that means every type to a firewall',
    { protocol: 'icmp', fromPort: 255, toPort: -1, ...none, networks: ['10.0.0.0/8'] },
    'icmp 255 from 10.0.0.0/8: ufw cannot tell this type of icmp from others',
  ],
  [
    'a group of another account',
    tcp(22, { groups: [{ id: 'sg-8', account: '222222222222' }] }),
    'sg-8 is of the account 222222222222',
  ],
] as const) {
  test(`${title} is an error that names the group and the rule`, (t) => {
    const error = t.throws(() => mirrorWith([rule as IngressRule]), { instanceOf: SluiceError })

    t.is(error.code, 'RULE_UNSUPPORTED')
    t.true(error.why?.startsWith('sg_kafka (sg-1): '), error.why)
    t.true(error.why?.includes(why), error.why)
  })
}

test('interfaces of one host with different groups are an error that names the host', (t) => {
  const two = instanceWith({
    interfaces: [
      { id: 'eni-1', addresses: ['10.0.1.10'], securityGroups: ['sg-1'] },
      { id: 'eni-2', addresses: ['10.0.2.10'], securityGroups: ['sg-1', 'sg-2'] },
    ],
  })

  const error = t.throws(() => mirrorWith([], {}, [two]), { instanceOf: SluiceError })

  t.is(error.why, 'vm1 (i-1): its interfaces have different groups: sg-1 and sg-1, sg-2')
})

test('the firewall of a host has exactly the rules of its groups, of both address families', (t) => {
  const { policy, hosts } = mirrorWith(
    [
      tcp(9092, { groups: [{ id: 'sg-1' }, { id: 'sg-2' }] }),
      tcp(22, { networks: ['192.0.2.0/24', '::/0'] }),
    ],
    { members: { 'sg-1': ['10.0.1.10', '2001:db8::10'], 'sg-2': ['10.0.1.12', '10.0.1.77'] } },
  )
  const inventory = { name: 'aws', hosts, variables: {}, groupVariables: {}, policy }
  const group = (name: string) => hosts.filter(({ groups }) => groups.includes(name))
  const rulesOf = (host: Host) =>
    inboundRules({ host, inventory, group }).map(({ from, port }) => `${from} ${port}`)

  t.deepEqual(hosts.map(rulesOf), [
    [
      '10.0.1.10 9092',
      '2001:db8::10 9092',
      '10.0.1.12 9092',
      '10.0.1.77/32 9092',
      '192.0.2.0/24 22',
      '::/0 22',
    ],
    [],
  ])
})

test('rules that the pipeline needs are no findings', (t) => {
  const { policy, hosts } = mirrorWith([
    tcp(9092, { groups: [{ id: 'sg-2' }], networks: ['10.0.1.12/32'] }),
    tcp(22, { networks: ['10.0.0.0/8', '2001:db8::/32'] }),
  ])

  t.deepEqual(findingsOf(policy, hosts), [])
})

test('everybody on 22, a network on a service, another role and another port are findings', (t) => {
  const { policy, hosts } = mirrorWith([
    tcp(22, { networks: ['0.0.0.0/0', '::/0', '0.0.0.0/1'] }),
    tcp(9092, { networks: ['10.0.0.0/8'], groups: [{ id: 'sg-1' }] }),
    tcp(2181, { groups: [{ id: 'sg-2' }] }),
  ])

  t.deepEqual(findingsOf(policy, hosts), [
    'sg_kafka lets 0.0.0.0/0 reach 22/tcp; the pipeline needs admin there',
    'sg_kafka lets ::/0 reach 22/tcp; the pipeline needs admin there',
    'sg_kafka lets 0.0.0.0/1 reach 22/tcp; the pipeline needs admin there',
    'sg_kafka lets sg_kafka reach 9092/tcp; the pipeline needs processor, producers there',
    'sg_kafka lets 10.0.0.0/8 reach 9092/tcp; the pipeline needs processor, producers there',
    'sg_kafka lets sg_processor reach 2181/tcp; the pipeline needs nobody there',
  ])
})

test('more than the one port that is needed is a finding, and what of it is needed is said', (t) => {
  const { policy, hosts } = mirrorWith([
    { protocol: 'tcp', fromPort: 9000, toPort: 9100, ...none, groups: [{ id: 'sg-2' }] },
    { protocol: '-1', ...none, networks: ['10.0.0.0/8'] },
    { protocol: 'icmp', fromPort: 8, toPort: -1, ...none, networks: ['10.0.0.0/8'] },
  ])

  t.deepEqual(findingsOf(policy, hosts), [
    'sg_kafka lets sg_processor reach 9000-9100/tcp; of that the pipeline needs 9092/tcp from processor, producers',
    'sg_kafka lets 10.0.0.0/8 reach all traffic; of that the pipeline needs 9092/tcp from processor, producers and 22/tcp from admin',
    'sg_kafka lets 10.0.0.0/8 reach icmp 8; the pipeline needs nobody there',
  ])
})

test('an admin network that is everybody is a finding in any inventory', (t) => {
  const { hosts } = mirrorWith([])

  t.deepEqual(findingsOf({ admin: ['0.0.0.0/0', '10.0.0.0/8'], rules: pipelineRules }, hosts), [
    'processor lets 0.0.0.0/0 reach 8080/tcp; the pipeline needs admin there',
    'every host lets 0.0.0.0/0 reach 22/tcp; the pipeline needs admin there',
  ])
})

test('when a host joins or leaves, the rules that name its addresses change, and no others', (t) => {
  const joining = instanceWith({
    id: 'i-3',
    groups: ['sg-2'],
    addresses: ['10.0.1.14', '2001:db8::14'],
    tags: { Role: 'processor', Name: 'vm5' },
  })
  const ingress = [tcp(9092, { groups: [{ id: 'sg-2' }] }), tcp(22, { networks: ['192.0.2.0/24'] })]
  const rulesOf = (instances: Instance[]) => {
    const { policy, hosts } = mirrorWith(ingress, {}, instances)
    const inventory = { name: 'aws', hosts, variables: {}, groupVariables: {}, policy }
    const group = (name: string) => hosts.filter(({ groups }) => groups.includes(name))
    return new Map(hosts.map((host) => [host.name, inboundRules({ host, inventory, group })]))
  }

  const [before, after] = [rulesOf([kafka, processor]), rulesOf([kafka, processor, joining])]

  const added = after
    .get('vm1')
    ?.filter((rule) => !before.get('vm1')?.some((old) => isDeepStrictEqual(old, rule)))
  t.deepEqual(
    added?.map(({ from, port }) => `${from} ${port}`),
    ['10.0.1.14 9092', '2001:db8::14 9092'],
  )
  t.is(after.get('vm1')?.length, (before.get('vm1')?.length ?? 0) + 2)
  t.deepEqual(after.get('vm3'), before.get('vm3'))
})
