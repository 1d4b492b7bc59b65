import test from 'ava'
import { SluiceError } from '../../../../engine/errors.ts'
import { readInventory } from '../../../../inventory/static.ts'

const fileWith = (rules: string[]) =>
  [
    'groups: { web: , db: }',
    'hosts:',
    '  vm1: { address: 10.0.1.10, groups: [web] }',
    'policy:',
    '  admin: [10.0.9.0/24]',
    '  rules:',
    ...rules.map((rule) => `    - ${rule}`),
  ].join('\n')

const policyWith = (...rules: string[]) => readInventory('hosts.yaml', fileWith(rules)).policy

test('ranges, several protocols, every port, all traffic and ICMP can be said, each rule knows its line', (t) => {
  const { rules, places } = policyWith(
    '{ from: [admin], to: all, port: 8000:8100 }',
    '{ from: [db], to: web, port: 53, protocol: [tcp, udp] }',
    '{ from: [db], to: web, protocol: tcp }',
    '{ from: [web], to: web, protocol: all }',
    '{ from: [admin], to: all, protocol: [icmp, icmpv6], type: echo-request }',
    '{ from: [192.0.2.0/24], to: all, protocol: icmp, type: 3/4 }',
  )

  const base = (from: string, to: string, line: number) => ({ from: [from], to, at: `hosts.yaml:${line}` })
  t.deepEqual(rules, [
    { ...base('admin', 'all', 7), protocol: 'tcp', port: '8000:8100' },
    { ...base('db', 'web', 8), protocol: 'tcp', port: 53 },
    { ...base('db', 'web', 8), protocol: 'udp', port: 53 },
    { ...base('db', 'web', 9), protocol: 'tcp' },
    { ...base('web', 'web', 10), protocol: 'all' },
    { ...base('admin', 'all', 11), protocol: 'icmp', type: '8' },
    { ...base('admin', 'all', 11), protocol: 'icmpv6', type: '128' },
    { ...base('192.0.2.0/24', 'all', 12), protocol: 'icmp', type: '3/4' },
  ])
  t.deepEqual(places, { rules: 'hosts.yaml:7', admin: 'hosts.yaml:5' })
})

for (const [rule, subject] of [
  ['{ from: [db], to: web }', /^policy\/rules\/0\/port is missing/],
  ['{ from: [db], to: web, port: 8100:8000 }', /port should be a port from 1 to 65535, or a range such as/],
  ['{ from: [db], to: web, port: 0 }', /port should be a port from 1 to 65535.*got 0/],
  ['{ from: [db], to: web, port: 22, protocol: all }', /port should be left out: all has no ports/],
  ['{ from: [db], to: web, protocol: tcp, type: 8 }', /type should be left out: tcp has no types/],
  ['{ from: [db], to: web, protocol: sctp }', /protocol should be one of tcp, udp, icmp/],
  ['{ from: [db], to: web, protocol: icmp, type: echo }', /type should be a type of ICMP: echo-request/],
  [
    '{ from: [db], to: web, protocol: icmp, type: packet-too-big }',
    /type should be a number or one of destination-unreachable, .*got "packet-too-big"/,
  ],
  [
    '{ from: [db], to: web, protocol: icmpv6, type: 135 }',
    /type should be one that a rule can tell from others, not 135: .* IPv6 itself lives/,
  ],
  [
    '{ from: ["fd00::/64"], to: web, protocol: icmp }',
    /from should be of IPv4, got "fd00::\/64"; for the other family say icmpv6/,
  ],
] as const) {
  test(`a rule that means nothing is refused with its place: ${rule}`, (t) => {
    const error = t.throws(() => policyWith(rule), { instanceOf: SluiceError })

    t.is(error.code, 'INVENTORY_INVALID')
    t.regex(error.subject, subject)
  })
}
