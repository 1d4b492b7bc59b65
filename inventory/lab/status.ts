import { statSync } from 'node:fs'
import { hostGroups } from './cgroup.ts'
import { memoryInUse } from './cgroup-memory.ts'
import { containerInit } from './cgroup-processes.ts'
import { isRunning } from './host.ts'
import { hostName } from './lifecycle.ts'
import { addressIn, lastOctet } from './network.ts'
import type { LabSettings } from './settings.ts'
import { readHosts, readState } from './state.ts'

/** One host of the lab, as a person wants to see it. */
export interface LabHostStatus {
  name: string
  /** `undefined` until the lab has its network. */
  address: string | undefined
  address6: string | undefined
  /** `missing`: not made yet, or removed. */
  state: 'running' | 'stopped' | 'missing'
  /** In bytes, without file cache. */
  memory: number | undefined
  /** In seconds, since its last boot. */
  uptime: number | undefined
}

/** The hosts of the lab: those that there are, and those that the settings ask for. Needs no root. */
export async function status(settings: LabSettings): Promise<LabHostStatus[]> {
  const [state, hosts] = await Promise.all([readState(settings), readHosts(settings)])
  const asked = Array.from({ length: settings.count }, (_, index) => index + 1)
  const numbers = new Set([...asked, ...[...hosts.values()].map(({ number }) => number)])
  return [...numbers].map((number) => {
    const name = hostName(number)
    const running = isRunning(settings, name)
    const init = running ? containerInit(hostGroups(settings, name)) : undefined
    return {
      name,
      address: state && addressIn(state.network, lastOctet(number)),
      address6: state && addressIn(state.network6, lastOctet(number)),
      state: running ? 'running' : hosts.has(name) ? 'stopped' : 'missing',
      memory: running ? memoryInUse(hostGroups(settings, name)) : undefined,
      uptime: init === undefined ? undefined : secondsSince(init),
    }
  })
}

/** The directory of a process is as old as the process. */
function secondsSince(processId: number): number | undefined {
  const entry = statSync(`/proc/${processId}`, { throwIfNoEntry: false })
  return entry && Math.round((Date.now() - entry.ctimeMs) / 1000)
}
