import { BlockList, isIPv4 } from 'node:net'
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os'

type Interfaces = NodeJS.Dict<NetworkInterfaceInfo[]>

/**
 * The addresses that this machine has in the networks of these hosts, which see it by them: of a bridge that a
 * hypervisor made, for example.
 *
 * @param hosts IPv4 addresses
 */
export function ownAddresses(
  hosts: readonly string[],
  interfaces: Interfaces = networkInterfaces(),
): string[] {
  const found = Object.values(interfaces).flatMap((addresses = []) =>
    addresses.filter(({ address, cidr }) => {
      const length = Number(cidr?.split('/')[1])
      if (!isIPv4(address) || !Number.isInteger(length)) return false
      const network = new BlockList()
      network.addSubnet(address, length)
      return hosts.some((host) => isIPv4(host) && network.check(host))
    }),
  )
  return [...new Set(found.map(({ address }) => address))]
}
