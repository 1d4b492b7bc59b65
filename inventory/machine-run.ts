import * as v from 'valibot'
import type { CloudRun, CloudWishes } from '../engine/cli/cloud-controls.ts'
import { SluiceError } from '../engine/errors.ts'
import type { Host } from '../engine/inventory.ts'
import { definePlaybook } from '../engine/playbook.ts'
import type { Resource } from '../engine/resource.ts'
import { defineRole } from '../engine/role.ts'
import { ProgramConnection } from './program-connection.ts'

/** What each wish is on the command line. */
const optionOf: Record<keyof CloudWishes, string> = {
  admin: '--admin',
  publicKey: '--public-key',
  image: '--image',
  type: '--type',
  diskGb: '--disk-gb',
}

/** @throws SluiceError USAGE for a wish that is not one of `known` */
export function refuseOtherWishes(
  wishes: CloudWishes,
  known: readonly (keyof CloudWishes)[],
  { machines, instead }: { machines: string; instead: string },
): void {
  const others = Object.keys(optionOf).filter(
    (wish): wish is keyof CloudWishes => wish in wishes && !known.includes(wish as keyof CloudWishes),
  )
  if (others.length === 0) return
  throw new SluiceError('USAGE', {
    subject: `${others.map((wish) => optionOf[wish]).join(', ')} says nothing about ${machines}`,
    at: 'the command line',
    advice: `leave it out; ${instead}`,
  })
}

/** Machines as a run of the engine: what makes and removes them is behind a `workplace`, not behind a shell. */
export function machineRun(
  name: 'up' | 'destroy',
  {
    inventory,
    machines,
    hosts,
    resources,
    workplace,
  }: {
    inventory: string
    /** What they are called, with "the hosts as" before it. */
    machines: string
    hosts: Host[]
    resources(host: Host): Resource[]
    workplace: object
  },
): CloudRun {
  const role = defineRole({
    name: 'machines',
    description: 'the hosts',
    params: v.strictObject({}),
    resources: (_params, { host }) => resources(host),
  })
  return {
    playbook: definePlaybook({
      name,
      summary: `Makes the hosts as ${machines}`,
      plays: [{ name: inventory, hosts: 'all', roles: [role] }],
    }),
    inventory: {
      name: inventory,
      hosts,
      variables: {},
      groupVariables: {},
      policy: { admin: [], rules: [] },
    },
    connect: async (host) => new ProgramConnection(host, workplace),
  }
}
