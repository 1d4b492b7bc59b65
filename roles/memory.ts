import { SluiceError } from '../engine/errors.ts'
import type { RoleContext } from '../engine/role.ts'

/** What the system, the page cache and the rest of a service need beside what a service is told to take. */
const restMb = 1024

/**
 * Sees that a host has the memory that a variable gives to a service: it should leave 1 GB, or half of a small host.
 * Without this the service would start, and be killed, or have the host swap, once it is used.
 *
 * @throws SluiceError VARIABLE_INVALID
 */
export function requireMemory(
  variable: string,
  wantedMb: number | undefined,
  { host, facts: { memoryMb } }: Pick<RoleContext, 'host' | 'facts'>,
): void {
  const mostMb = Math.max(memoryMb - restMb, Math.floor(memoryMb / 2))
  if (wantedMb === undefined || wantedMb <= mostMb) return
  throw new SluiceError('VARIABLE_INVALID', {
    subject: `${variable} should leave ${host.name} at least ${memoryMb - mostMb} of its ${memoryMb} MB of memory, and wants ${wantedMb} MB`,
    why: 'the system, the page cache and what a service needs beside that have to have room',
    advice: `give it at most ${mostMb} MB, leave ${variable} out, or give the host more memory`,
  })
}
