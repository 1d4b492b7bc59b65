import { isIPv4 } from 'node:net'
import type { Host } from '../engine/inventory.ts'

/** The unprivileged account, uid and gid 10001, that everything of ours runs as. */
export const account = { name: 'pipeline', id: 10001 } as const

/** Where releases are: `/opt/sluice/<name>/current` is a link to the one in use. */
export const releaseRoot = '/opt/sluice'

export const currentRelease = (name: string): string => `${releaseRoot}/${name}/current`

/** Configuration of our own programs. */
export const configurationDirectory = '/etc/sluice'

/** The address by which other hosts reach a host's services: its first private IPv4 address, or else its first. */
export function serviceAddress({ privateAddresses }: Host): string {
  const address = privateAddresses.find(isIPv4) ?? privateAddresses[0]
  if (address === undefined) throw new TypeError('a host has at least one private address')
  return address
}
