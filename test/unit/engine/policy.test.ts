import test from 'ava'
import { carries, includesTraffic, type Traffic, trafficName } from '../../../engine/policy.ts'

const kinds: Record<string, Traffic> = {
  '22/tcp': { protocol: 'tcp', port: 22 },
  '1-65535/tcp': { protocol: 'tcp', port: '1:65535' },
  '20-30/udp': { protocol: 'udp', port: '20:30' },
  'all tcp': { protocol: 'tcp' },
  'all traffic': { protocol: 'all' },
  'icmp 8': { protocol: 'icmp', type: '8' },
  'icmp 3/4': { protocol: 'icmp', type: '3/4' },
  'all icmp': { protocol: 'icmp' },
  'all esp': { protocol: 'esp' },
}

test('traffic has a name of its own', (t) => {
  for (const [name, traffic] of Object.entries(kinds)) t.is(trafficName(traffic), name)
})

test('what carries a port says so by its port, its range, its protocol or for everything', (t) => {
  const carrying = (protocol: 'tcp' | 'udp', port: number) =>
    Object.keys(kinds).filter((name) => carries(kinds[name] as Traffic, protocol, port))

  t.deepEqual(carrying('tcp', 22), ['22/tcp', '1-65535/tcp', 'all tcp', 'all traffic'])
  t.deepEqual(carrying('tcp', 23), ['1-65535/tcp', 'all tcp', 'all traffic'])
  t.deepEqual(carrying('udp', 30), ['20-30/udp', 'all traffic'])
  t.deepEqual(carrying('udp', 31), ['all traffic'])
})

test('traffic includes what is a part of it', (t) => {
  const includedIn = (whole: string) =>
    Object.keys(kinds).filter((part) => includesTraffic(kinds[whole] as Traffic, kinds[part] as Traffic))

  t.deepEqual(includedIn('all traffic'), Object.keys(kinds))
  t.deepEqual(includedIn('all tcp'), ['22/tcp', '1-65535/tcp', 'all tcp'])
  t.deepEqual(includedIn('22/tcp'), ['22/tcp'])
  t.deepEqual(includedIn('all icmp'), ['icmp 8', 'icmp 3/4', 'all icmp'])
  t.true(includesTraffic({ protocol: 'icmp', type: '3' }, { protocol: 'icmp', type: '3/4' }))
  t.false(includesTraffic({ protocol: 'icmp', type: '3/4' }, { protocol: 'icmp', type: '3' }))
  t.deepEqual(includedIn('all esp'), ['all esp'])
})
