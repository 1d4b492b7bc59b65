import { createServer, isIPv4 } from 'node:net'
import test from 'ava'
import type { Host, PolicyRule } from '../../../../engine/inventory.ts'
import { judgeAttempts } from '../../../../playbooks/verify/judge-matrix.ts'
import {
  parseVerdicts,
  plannedFrom,
  plannedFromController,
  tryFrom,
  tryFromController,
} from '../../../../playbooks/verify/matrix.ts'
import { contains, portsOf } from '../../../../playbooks/verify/policy.ts'
import { localConnection } from '../../../support/local-connection.ts'
import { fourHosts } from './hosts.ts'

/** On loopback an answer comes at once, but on a busy machine it takes long until all have asked. */
const patience = { first: 60, second: 60 }

const allowedFrom = (number: number, inventory = fourHosts()) => {
  const { hosts, policy } = inventory
  const [from] = hosts.slice(number - 1)
  if (from === undefined) throw new TypeError('there are four hosts')
  return plannedFrom(from, hosts, hosts, policy)
    .filter(({ allowed }) => allowed)
    .map(({ to, address, port }) => `${to} ${address} ${port}`)
}

test('each policy port and one that no rule names is tried on every other host, on both address families', (t) => {
  const { hosts, policy } = fourHosts()
  const [first] = hosts
  if (first === undefined) return t.fail()

  const planned = plannedFrom(first, hosts, hosts, policy)

  t.deepEqual(portsOf(policy), [22, 2181, 8080, 9092, 27017])
  t.is(planned.length, 3 * 2 * 5)
  t.false(planned.some(({ to }) => to === 'vm1'))
})

test('what may get through is what the rules say of groups, and nothing else', (t) => {
  t.deepEqual(allowedFrom(1), [])
  t.deepEqual(allowedFrom(2), [])
  t.deepEqual(allowedFrom(3), [
    'vm1 10.0.1.10 9092',
    'vm1 fd77::10 9092',
    'vm2 10.0.1.11 27017',
    'vm2 fd77::11 27017',
  ])
  t.deepEqual(allowedFrom(4), ['vm1 10.0.1.10 9092', 'vm1 fd77::10 9092'])
})

test('hosts may reach SSH of one another only where the admin networks contain them', (t) => {
  const allowed = allowedFrom(1, fourHosts(['10.0.1.0/24']))

  t.deepEqual(
    allowed,
    ['vm2 10.0.1.11 22', 'vm3 10.0.1.12 8080', 'vm3 10.0.1.12 22', 'vm4 10.0.1.13 22'].sort(byHostAndPort),
  )
})

const byHostAndPort = (left: string, right: string) => left.localeCompare(right, 'en', { numeric: true })

test('the controller may do what the admin networks allow to the address that each host sees', (t) => {
  const { hosts, policy } = fourHosts()
  const seenAs = new Map([
    ['vm1', '10.0.9.5'],
    ['vm3', '10.0.9.5'],
    ['vm4', '192.0.2.7'],
  ])

  const planned = plannedFromController(hosts, hosts, policy, seenAs)

  const allowed = planned.filter((each) => each.allowed).map(({ to, port }) => `${to} ${port}`)
  t.deepEqual(allowed, ['vm1 22', 'vm3 22', 'vm3 8080'])
  t.deepEqual([...new Set(planned.map(({ to }) => to))], ['vm1', 'vm3', 'vm4'])
})

test('the controller tries nothing where it has no way of its own', (t) => {
  const { hosts, policy } = fourHosts()
  const [vm1, vm2, vm3, vm4] = hosts as [Host, Host, Host, Host]
  const targets: Host[] = [
    { ...vm1, jump: vm4 },
    { ...vm2, transport: 'openssh', address: 'database' },
    { ...vm3, transport: 'openssh' },
    { ...vm4, address: 'producer.example.org' },
  ]
  const seenAs = new Map(hosts.map(({ name }) => [name, '10.0.9.5']))

  const planned = plannedFromController(targets, hosts, policy, seenAs)

  t.deepEqual([...new Set(planned.map(({ to }) => to))], ['vm3', 'vm4'])
})

test('of a range the ends are tried and what lies beside them; all traffic and every port are let in', (t) => {
  const { hosts } = fourHosts()
  const tried = (rule: Omit<PolicyRule, 'from' | 'to'>) => {
    const policy = { admin: [], rules: [{ from: ['processor'], to: 'kafka', ...rule }] }
    return plannedFrom(hosts[2] as Host, hosts.slice(0, 1), hosts, policy)
      .filter(({ address }) => isIPv4(address))
      .map(({ port, allowed }) => `${port} ${allowed}`)
  }

  t.deepEqual(tried({ protocol: 'tcp', port: '8000:8100' }), [
    '2181 false',
    '7999 false',
    '8000 true',
    '8100 true',
    '8101 false',
  ])
  t.deepEqual(tried({ protocol: 'tcp' }), ['2181 true'])
  t.deepEqual(tried({ protocol: 'all' }), ['2181 true'])
  t.deepEqual(tried({ protocol: 'icmp' }), ['2181 false'])
})

test('a network contains the addresses of its own family that begin with its bits', (t) => {
  t.true(contains('10.0.1.0/24', '10.0.1.255'))
  t.false(contains('10.0.1.0/24', '10.0.2.0'))
  t.true(contains('10.0.1.7', '10.0.1.7'))
  t.true(contains('fd77::/64', 'fd77::1'))
  t.false(contains('0.0.0.0/0', 'fd77::1'))
})

test('a real connection tells what listens from what does not', async (t) => {
  const server = createServer((socket) => socket.end())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const bound = server.address()
  if (bound === null || typeof bound === 'string') return t.fail()
  const planned = [bound.port, 1].map((port) => ({
    from: 'vm1',
    to: 'vm2',
    address: '127.0.0.1',
    port,
    allowed: true,
  }))

  const attempts = [
    await tryFrom(localConnection(), planned, patience),
    await tryFromController(planned, patience),
  ]

  for (const found of attempts)
    t.deepEqual(
      found.map(({ got }) => got),
      ['open', 'refused'],
    )
})

test('many attempts of one host are one round trip', async (t) => {
  const connection = localConnection()
  const planned = Array.from({ length: 150 }, () => ({
    from: 'vm1',
    to: 'vm2',
    address: '127.0.0.1',
    port: 1,
    allowed: true,
  }))

  const attempts = await tryFrom(connection, planned, patience)

  t.is(attempts.filter(({ got }) => got === 'refused').length, 150)
  t.is(connection.executions, 1)
})

test('an attempt of which the host says nothing is not taken for a denial', (t) => {
  t.deepEqual(parseVerdicts('1 timeout\n0 open\n', 2), ['open', 'timeout'])
  t.throws(() => parseVerdicts('0 open\n', 2), { message: /1 attempts/ })
})

test('a port that is open and should not be is a failure with the firewall of that host beside it', async (t) => {
  const attempt = { from: 'vm4', to: 'vm2', address: '10.0.1.11', port: 27017 }
  const evidence = async (host: string) => [{ host, command: 'ufw status', lines: ['27017 ALLOW'] }]

  const error = await t.throwsAsync(judgeAttempts([{ ...attempt, allowed: false, got: 'open' }], evidence))

  t.regex(error.message, /^got through, should be denied: vm2 27017$/)
  t.like(error, { look: [{ host: 'vm2' }] })
})

test('a family that alone is wrong is named', async (t) => {
  const attempt = { from: 'vm4', to: 'vm1', port: 9092, allowed: true } as const
  const attempts = [
    { ...attempt, address: '10.0.1.10', got: 'open' },
    { ...attempt, address: 'fd77::a', got: 'timeout' },
  ] as const

  await t.throwsAsync(
    judgeAttempts(attempts, async () => []),
    { message: 'did not get through, should be allowed: vm1 9092 (IPv6)' },
  )
})

test('an allowed port on which nothing listens passes the firewall, and is said', async (t) => {
  const attempt = { from: 'vm4', to: 'vm1', address: 'fd77::a', port: 9092 }

  const { detail } = await judgeAttempts([{ ...attempt, allowed: true, got: 'refused' }], async () => [])

  t.is(detail, '1 allowed got through (nothing listens on vm1 [fd77::a]:9092), 0 denied did not')
})
