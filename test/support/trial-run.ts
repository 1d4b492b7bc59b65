import * as v from 'valibot'
import type { Mode, RunEvent, RunResult } from '../../engine/events.ts'
import type { Facts } from '../../engine/facts.ts'
import type { Host, Inventory } from '../../engine/inventory.ts'
import { definePlaybook, type PlayDefinition } from '../../engine/playbook.ts'
import type { Resource } from '../../engine/resource.ts'
import { defineRole, type Role } from '../../engine/role.ts'
import { type RunOptions, runPlaybook } from '../../engine/run.ts'
import { localConnection } from './local-connection.ts'

/** What is not asked: so that nobody looks for the lock of a host on a machine that is none. */
const facts: Facts = {
  hostname: 'local',
  distribution: 'debian',
  release: '12',
  architecture: 'amd64',
  processors: 2,
  memoryMb: 4096,
  container: false,
  clientAddress: '192.0.2.1',
}

/** Hosts that are all this very machine, each in the group of its own name and in `all-of-them`. */
function localInventory(names: readonly string[]): Inventory {
  const hosts = names.map((name): Host => {
    const { host } = localConnection(name)
    return { ...host, groups: [name, 'everyone'] }
  })
  return { name: 'local', hosts, variables: {}, groupVariables: {}, policy: { admin: [], rules: [] } }
}

/** A role whose resources are these, host by host. */
export function roleOf(name: string, resources: (host: Host) => Resource[]): Role {
  return defineRole({
    name,
    description: 'what a test needs',
    params: v.strictObject({}),
    resources: (_, { host }) => resources(host),
  })
}

export interface TrialRun extends Partial<Omit<RunOptions, 'playbook' | 'emit'>> {
  /** Hosts that are this machine, where no inventory is given. */
  names?: readonly string[]
  plays: PlayDefinition[]
  mode?: Mode
  onEvent?(event: RunEvent): void
}

/** Runs plays as the command line does, on this machine or on the hosts of an inventory. */
export async function trialRun({
  names = [],
  plays,
  inventory = localInventory(names),
  onEvent,
  ...options
}: TrialRun): Promise<RunResult & { events: RunEvent[] }> {
  const events: RunEvent[] = []
  const result = await runPlaybook({
    playbook: definePlaybook({ name: 'trial', summary: 'a trial', plays }),
    // It may have variables of roles that have no part in this.
    inventory: { ...inventory, sharedVariables: true },
    hosts: inventory.hosts,
    mode: 'apply',
    overrides: [],
    knownRoles: [],
    forks: 4,
    removeData: false,
    artifacts: { cacheDirectory: '/dev/null/none' },
    connect: async (host) => ({ ...localConnection(host.name), host, facts }),
    ...options,
    emit: (event) => {
      events.push(event)
      onEvent?.(event)
    },
  })
  return { ...result, events }
}
