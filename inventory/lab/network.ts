import { BlockList, isIP, isIPv6 } from 'node:net'
import { SluiceError } from '../../engine/errors.ts'

/** The two networks of a lab: an IPv4 /24 and an IPv6 /64, in CIDR notation. */
export interface LabNetwork {
  network: string
  network6: string
}

/** The address of a lab network whose last part reads `last`: .1 is the bridge, .10 and upwards are hosts. */
export function addressIn(network: string, last: number): string {
  const [base = ''] = network.split('/')
  return isIPv6(base) ? `${base.replace(/::$/, '')}::${last}` : base.replace(/\d+$/, String(last))
}

/** The number that ends the addresses of a lab host: vm1 is .10, vm2 .11 and so on. */
export function lastOctet(hostNumber: number): number {
  return 9 + hostNumber
}

/** Whether two networks in CIDR notation (or addresses) have an address in common. */
export function overlap(one: string, other: string): boolean {
  return contains(one, addressOf(other)) || contains(other, addressOf(one))
}

/**
 * The networks that a lab takes: the ones that are asked for, otherwise the first pair of 10.77.N.0/24 and
 * fd77:0:0:N::/64 that nothing on this machine uses.
 *
 * @throws SluiceError LAB_UNAVAILABLE when a network that was asked for, or every one, is in use
 */
export function chooseNetwork(
  asked: { [Key in keyof LabNetwork]?: string | undefined },
  used: readonly string[],
): LabNetwork {
  const user = (network: string) => used.find((other) => overlap(network, other))
  for (const network of [asked.network, asked.network6]) {
    const other = network === undefined ? undefined : user(network)
    if (other !== undefined) throw inUse(`${network} is in use on this machine, as ${other}`)
  }
  for (let number = 0; number < 256; number += 1) {
    const pair = {
      network: asked.network ?? `10.77.${number}.0/24`,
      network6: asked.network6 ?? (number === 0 ? 'fd77::/64' : `fd77:0:0:${number.toString(16)}::/64`),
    }
    if (user(pair.network) === undefined && user(pair.network6) === undefined) return pair
  }
  throw inUse('every network from 10.77.0.0/24 to 10.77.255.0/24 is in use on this machine')
}

function inUse(subject: string): SluiceError {
  return new SluiceError('LAB_UNAVAILABLE', {
    subject,
    advice: 'name a free one: SLUICE_LAB_NETWORK=10.78.0.0/24 SLUICE_LAB_NETWORK6=fd78::/64',
  })
}

function addressOf(network: string): string {
  return network.split('/')[0] ?? ''
}

function contains(network: string, address: string): boolean {
  const family = (text: string) => (isIP(text) === 6 ? 'ipv6' : 'ipv4')
  const [base = '', length = isIPv6(base) ? '128' : '32'] = network.split('/')
  if (family(base) !== family(address)) return false
  const block = new BlockList()
  block.addSubnet(base, Number(length), family(base))
  return block.check(address, family(address))
}
