import * as v from 'valibot'
import type { Mode, RunEvent, RunResult } from '../../engine/events.ts'
import type { Host, Inventory } from '../../engine/inventory.ts'
import { definePlaybook, type Play } from '../../engine/playbook.ts'
import type { Resource } from '../../engine/resource.ts'
import { defineRole, type Role } from '../../engine/role.ts'
import { type RunOptions, runPlaybook } from '../../engine/run.ts'
import { localConnection } from './local-connection.ts'

/** Hosts that are all this very machine, each in the group of its own name and in `all-of-them`. */
export function localInventory(names: readonly string[]): Inventory {
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

export interface LocalRun extends Partial<Omit<RunOptions, 'playbook' | 'inventory' | 'emit'>> {
  names: readonly string[]
  plays: (Omit<Play, 'needs'> & { needs?: string[] })[]
  mode?: Mode
  onEvent?(event: RunEvent): void
}

/** Runs plays on this machine as a run does on hosts. */
export async function localRun({
  names,
  plays,
  onEvent,
  ...options
}: LocalRun): Promise<RunResult & { events: RunEvent[] }> {
  const inventory = localInventory(names)
  const events: RunEvent[] = []
  const result = await runPlaybook({
    playbook: definePlaybook({ name: 'trial', summary: 'a trial', plays }),
    inventory,
    hosts: inventory.hosts,
    mode: 'apply',
    overrides: [],
    knownRoles: [],
    forks: 4,
    removeData: false,
    artifacts: { cacheDirectory: '/nonexistent' },
    connect: async (host) => ({ ...localConnection(host.name), host }),
    ...options,
    emit: (event) => {
      events.push(event)
      onEvent?.(event)
    },
  })
  return { ...result, events }
}
