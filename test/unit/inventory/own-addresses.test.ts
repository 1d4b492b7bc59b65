import type { NetworkInterfaceInfo } from 'node:os'
import test from 'ava'
import { ownAddresses } from '../../../inventory/own-addresses.ts'

const at = (address: string, cidr: string | null): NetworkInterfaceInfo =>
  ({
    address,
    cidr,
    family: address.includes(':') ? 'IPv6' : 'IPv4',
    internal: false,
  }) as NetworkInterfaceInfo

const interfaces = {
  lo: [at('127.0.0.1', '127.0.0.1/8'), at('::1', '::1/128')],
  eth0: [at('192.0.2.7', '192.0.2.7/24')],
  mpqemubr0: [at('10.140.26.1', '10.140.26.1/24'), at('fe80::1', 'fe80::1/64')],
  tun0: [at('10.8.0.2', null)],
}

test('hosts see this machine by its address on their bridge, and by no other', (t) => {
  t.deepEqual(ownAddresses(['10.140.26.17', '10.140.26.99'], interfaces), ['10.140.26.1'])
})

test('hosts of two networks see it by two addresses', (t) => {
  t.deepEqual(ownAddresses(['10.140.26.17', '192.0.2.9'], interfaces), ['192.0.2.7', '10.140.26.1'])
})

test('hosts that are reached through others see none of them', (t) => {
  t.deepEqual(ownAddresses(['203.0.113.5', 'vm1.example'], interfaces), [])
})
