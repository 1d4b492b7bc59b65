import test from 'ava'
import { SluiceError } from '../../../../engine/errors.ts'
import type { Host } from '../../../../engine/inventory.ts'
import { findingsOf } from '../../../../inventory/aws/findings.ts'
import { hostsOf } from '../../../../inventory/aws/hosts.ts'
import type { IngressRule, Instance, Observation } from '../../../../inventory/aws/observation.ts'
import { mirrorOf } from '../../../../inventory/aws/security-groups.ts'
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

test('a short range is said port by port, of tcp and udp, by name or by number', (t) => {
  const { policy } = mirrorWith([
    { protocol: '17', fromPort: 5000, toPort: 5002, ...none, networks: ['10.0.0.0/8'] },
  ])

  t.deepEqual(
    policy.rules.map(({ port, protocol }) => `${port}/${protocol}`),
    ['5000/udp', '5001/udp', '5002/udp'],
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

test('ICMP that ufw lets in anyway needs no rule, which is said', (t) => {
  const { policy, remarks } = mirrorWith([
    { protocol: 'icmp', fromPort: 8, toPort: -1, ...none, networks: ['10.0.0.0/8'] },
  ])

  t.deepEqual(policy.rules, [])
  t.regex(remarks[0] ?? '', /icmp 8--1 from 10.0.0.0\/8: ufw lets this in on every host, from everywhere/)
})

test('groups of no host are read for their members, not for their rules', (t) => {
  const { policy } = mirrorWith([], {
    securityGroups: [groupWith({ id: 'sg-7', ingress: [tcp(1, { networks: ['10.0.0.0/8'] })] })],
  })

  t.deepEqual(policy.rules, [])
})

for (const [title, rule, why] of [
  ['all traffic', { protocol: '-1', ...none, networks: ['10.0.0.0/8'] }, 'all traffic has no port'],
  ['another protocol', { protocol: '50', ...none, networks: ['10.0.0.0/8'] }, 'the protocol 50 has no port'],
  [
    'a long range',
    { protocol: 'tcp', fromPort: 1024, toPort: 65535, ...none, networks: ['10.0.0.0/8'] },
    'a range may have at most 64 ports',
  ],
  [
    'all ICMP',
    { protocol: 'icmp', fromPort: -1, toPort: -1, ...none, networks: ['10.0.0.0/8'] },
    'of icmp, ufw lets in the types 3, 8, 11, 12',
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
