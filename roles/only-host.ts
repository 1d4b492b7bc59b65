import { SluiceError } from '../engine/errors.ts'
import type { Host } from '../engine/inventory.ts'

/**
 * Sees that a service which forms no cluster is on one host only: on two it would be two services, each with a part of
 * what is sent.
 *
 * @throws SluiceError INVENTORY_INVALID
 */
export function requireOneHost(group: string, hosts: readonly Host[]): void {
  if (hosts.length <= 1) return
  throw new SluiceError('INVENTORY_INVALID', {
    subject: `the group ${group} should have one host, has ${hosts.length}: ${hosts.map(({ name }) => name).join(', ')}`,
    why: 'the roles do not form clusters: each of them would be a service of its own, with a part of the events',
    advice: 'leave one host in the group',
  })
}
