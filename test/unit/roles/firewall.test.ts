import test from 'ava'
import { SluiceError } from '../../../engine/errors.ts'
import type { Policy, Traffic } from '../../../engine/policy.ts'
import { firewall, inboundRules } from '../../../roles/firewall.ts'
import { pipelineContext } from '../../support/role-context.ts'

const shown = (hostName: string) =>
  inboundRules(pipelineContext(hostName)).map(({ from, port, protocol }) => `${from} ${port}/${protocol}`)

test('each host lets in what the policy says of its group, by private addresses of both families', (t) => {
  const admin = (port: number) => [`192.0.2.0/24 ${port}/tcp`, `2001:db8::/32 ${port}/tcp`]

  t.deepEqual(shown('vm1'), [
    '10.0.1.12 9092/tcp',
    'fd00::12 9092/tcp',
    '10.0.1.13 9092/tcp',
    'fd00::13 9092/tcp',
    ...admin(22),
  ])
  t.deepEqual(shown('vm2'), ['10.0.1.12 27017/tcp', 'fd00::12 27017/tcp', ...admin(22)])
  t.deepEqual(shown('vm3'), [...admin(8080), ...admin(22)])
  t.deepEqual(shown('vm4'), admin(22))
})

test('a rule may name a network, and what two rules say is one rule', (t) => {
  const rules = [
    { from: ['198.51.100.0/24', 'admin'], to: 'all', port: 22, protocol: 'tcp' as const },
    { from: ['198.51.100.0/24'], to: 'kafka', port: 22, protocol: 'tcp' as const },
  ]

  t.deepEqual(
    inboundRules(pipelineContext('vm1', { rules })).map(({ from }) => from),
    ['198.51.100.0/24', '192.0.2.0/24', '2001:db8::/32'],
  )
})

test('a policy that leaves the controller out is refused with the rule to add, unless it is meant', (t) => {
  const outside = pipelineContext('vm1', { facts: { clientAddress: '203.0.113.5' } })

  const error = t.throws(() => firewall.resources({}, outside), { instanceOf: SluiceError })

  t.is(error?.code, 'LOCKOUT_PREVENTED')
  t.regex(error?.advice ?? '', /203\.0\.113\.5.*port: 22/)
  t.notThrows(() => firewall.resources({ allowLockout: true }, outside))
})

test('it is the port at which the host sees the controller that counts, not one of a gateway before it', (t) => {
  t.notThrows(() => firewall.resources({}, pipelineContext('vm1', { host: { port: 2201 } })))
  t.throws(() => firewall.resources({}, pipelineContext('vm1', { facts: { sshPort: 2222 } })), {
    message: /port 2222/,
  })
})

test('a controller that comes by IPv6 is let in by an IPv6 network', (t) => {
  const from = (clientAddress: string) => pipelineContext('vm2', { facts: { clientAddress } })

  t.notThrows(() => firewall.resources({}, from('2001:db8::77')))
  t.throws(() => firewall.resources({}, from('2001:db9::77')), { message: /LOCKOUT_PREVENTED/ })
})

test('ranges, every port of TCP and all traffic let the controller in, UDP and ICMP do not', (t) => {
  const rule = { from: ['admin'], to: 'all' }
  const lockout = (traffic: Traffic) => {
    const context = pipelineContext('vm1', { rules: [{ ...rule, ...traffic }] })
    try {
      firewall.resources({}, context)
      return false
    } catch (error) {
      return error instanceof SluiceError && error.code === 'LOCKOUT_PREVENTED'
    }
  }

  t.false(lockout({ protocol: 'tcp', port: '20:25' }))
  t.false(lockout({ protocol: 'tcp' }))
  t.false(lockout({ protocol: 'all' }))
  t.true(lockout({ protocol: 'tcp', port: '23:100' }))
  t.true(lockout({ protocol: 'udp', port: '20:25' }))
  t.true(lockout({ protocol: 'icmp' }))
})

test('a group in a rule of ICMP is the addresses of its members that the protocol has', (t) => {
  const from = (protocol: Traffic['protocol']) => {
    const rules = [{ from: ['processor'], to: 'kafka', protocol }]
    return inboundRules(pipelineContext('vm1', { rules })).map((rule) => rule.from)
  }

  t.deepEqual(from('icmp'), ['10.0.1.12'])
  t.deepEqual(from('icmpv6'), ['fd00::12'])
  t.deepEqual(from('all'), ['10.0.1.12', 'fd00::12'])
})

test('what would let the controller in is said with the line or the security group to change', (t) => {
  const advice = (policy: Partial<Policy>, groups: string[] = ['kafka']) => {
    const context = pipelineContext('vm1', { host: { groups } })
    const inventory = { ...context.inventory, policy: { admin: ['192.0.2.0/24'], rules: [], ...policy } }
    const error = t.throws(
      () =>
        firewall.resources(
          {},
          { ...context, inventory, facts: { ...context.facts, clientAddress: '203.0.113.5' } },
        ),
      { instanceOf: SluiceError },
    )
    t.is(error.code, 'LOCKOUT_PREVENTED')
    return error.advice
  }
  const places = { rules: 'hosts.yaml:7', admin: 'hosts.yaml:5' }
  const ssh = { to: 'all', protocol: 'tcp' as const, port: '20:30' }
  const groups = { sg_web: 'the security group web (sg-2)', sg_kafka: 'the security group kafka (sg-1)' }

  t.is(
    advice({ places, rules: [{ ...ssh, from: ['admin'], at: 'hosts.yaml:8' }] }),
    'add 203.0.113.5 to policy/admin, hosts.yaml:5, which the rule at hosts.yaml:8 lets in there',
  )
  t.is(
    advice({ places, rules: [{ ...ssh, from: ['10.0.0.0/8'], at: 'hosts.yaml:8' }] }),
    'add 203.0.113.5 to "from" of the rule at hosts.yaml:8',
  )
  t.is(
    advice({ places, rules: [{ from: ['admin'], to: 'mongodb', protocol: 'all', at: 'hosts.yaml:8' }] }),
    'add a rule { from: [203.0.113.5], to: all, port: 22 } to policy/rules, hosts.yaml:7',
  )
  t.is(
    advice(
      {
        places: { groups },
        rules: [{ from: ['10.0.0.0/8'], to: 'sg_kafka', protocol: 'all', at: groups.sg_kafka }],
      },
      ['kafka', 'sg_web', 'sg_kafka'],
    ),
    'let 203.0.113.5/32 reach 22/tcp by a rule of the security group kafka (sg-1)',
  )
  t.is(
    advice({ places: { groups } }, ['kafka', 'sg_web', 'sg_kafka']),
    'let 203.0.113.5/32 reach 22/tcp by a rule of the security group web (sg-2)',
  )
})
