import { writeFile } from 'node:fs/promises'
import { SluiceError } from '../../engine/errors.ts'
import { labUser } from './base-image.ts'
import { labPaths } from './names.ts'
import { addressIn, type LabNetwork, lastOctet } from './network.ts'
import type { LabSettings } from './settings.ts'
import { type HostRecord, readHosts, readState } from './state.ts'

/** Writes the file by which the system's ssh client knows the lab's hosts. */
export async function writeKnownHosts(
  settings: LabSettings,
  { network, network6 }: LabNetwork,
  hosts: ReadonlyMap<string, HostRecord>,
): Promise<void> {
  const lines = [...hosts].flatMap(([host, { number, hostKeys }]) => {
    const last = lastOctet(number)
    const names = `${host},${addressIn(network, last)},${addressIn(network6, last)}`
    return hostKeys.map((key) => `${names} ${key}\n`)
  })
  await writeFile(labPaths(settings).knownHosts, lines.join(''), { mode: 0o644 })
}

/**
 * The command that logs in on a lab host, with its key pinned and no configuration of the user's; a command for the
 * host may follow.
 *
 * @throws SluiceError HOSTS_UNKNOWN when the lab has no such host
 */
export async function sshCommand(settings: LabSettings, host: string): Promise<string[]> {
  const [state, hosts] = await Promise.all([readState(settings), readHosts(settings)])
  const record = hosts.get(host)
  if (state === undefined || record === undefined) {
    const names = [...hosts.keys()].join(', ')
    throw new SluiceError('HOSTS_UNKNOWN', {
      subject: `the lab has no host ${host}`,
      advice: names === '' ? 'bring the lab up: npm run lab -- up' : `name one of: ${names}`,
    })
  }
  const { identity, knownHosts } = labPaths(settings)
  const options = [
    'IdentitiesOnly=yes',
    'StrictHostKeyChecking=yes',
    `UserKnownHostsFile=${knownHosts}`,
    'GlobalKnownHostsFile=/dev/null',
    'LogLevel=ERROR',
  ]
  return [
    'ssh',
    '-F',
    'none',
    '-i',
    identity,
    ...options.flatMap((option) => ['-o', option]),
    `${labUser}@${addressIn(state.network, lastOctet(record.number))}`,
  ]
}
