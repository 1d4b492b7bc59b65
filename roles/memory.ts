import { SluiceError } from '../engine/errors.ts'
import type { RoleContext } from '../engine/role.ts'

/** Beyond this share the system and the page cache have no room, whatever the size of the host. */
const mostShare = 0.8
/** What is advised leaves something, so that a host which tells a little less after a restart still has it. */
const advisedShare = 0.75

/**
 * Sees that a host has the memory that a variable gives to a service. Without this the service would start, and be
 * killed, or have the host swap, once it is used.
 *
 * @throws SluiceError VARIABLE_INVALID
 */
export function requireMemory(
  variable: string,
  wantedMb: number | undefined,
  { host, facts: { memoryMb } }: Pick<RoleContext, 'host' | 'facts'>,
): void {
  if (wantedMb === undefined || wantedMb <= memoryMb * mostShare) return
  const advisedMb = Math.floor((memoryMb * advisedShare) / 64) * 64
  throw new SluiceError('VARIABLE_INVALID', {
    subject: `${variable} is ${wantedMb} MB, and ${host.name} has ${memoryMb} MB of memory in all`,
    why: 'the system, the page cache and what a service needs beside that have to have room',
    advice: `give it at most ${advisedMb} MB, leave ${variable} out, or give the host more memory`,
  })
}
