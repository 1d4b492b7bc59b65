import type { Host, InventorySource, LoadOptions } from '../engine/inventory.ts'
import { bastionsOf, isOnlyBastion } from './aws/bastions.ts'
import { ObservationCache } from './aws/cache.ts'
import { chosenInstances, hostsOf } from './aws/hosts.ts'
import type { Instance, Observation } from './aws/observation.ts'
import { pinHostKeys, type Seen } from './aws/pin.ts'
import { mirrorOf } from './aws/security-groups.ts'
import { type AwsSettings, awsSettings } from './aws/settings.ts'
import { findingsOf } from './findings.ts'

/** EC2 instances, found by their tags. Their security groups are the policy. This only reads: `sluice up` makes them. */
export const aws: InventorySource = {
  name: 'aws',
  summary: 'EC2 instances by their tags; their security groups are the firewall policy',

  async load(options) {
    const { projectDirectory, create, refresh = false, progress, signal } = options
    const settings = awsSettings(projectDirectory)
    const cache = new ObservationCache(projectDirectory, settings)
    // What is about to be changed is looked at anew.
    const kept = create || refresh ? undefined : await cache.read()
    const observation = kept ?? (await observed(settings, signal))
    const instances = chosenInstances(observation, settings)
    const hosts = hostsOf(instances, observation, settings)
    const { policy, remarks } = mirrorOf(instances, hosts, observation)
    const others = observation.instances.filter((each) => !instances.includes(each))
    const left = others.filter((each) => !isOnlyBastion(each, settings)).length
    if (left > 0) progress(`aws: left alone, terminated or without the tag ${settings.tags.role}: ${left}`)
    for (const { id, state } of others.filter((each) => isOnlyBastion(each, settings))) {
      if (!['running', 'terminated'].includes(state))
        progress(`aws: no way through the bastion ${id}: it is ${state}`)
    }
    for (const remark of remarks) progress(`aws: ${remark}`)
    for (const finding of findingsOf(policy, hosts)) progress(`aws: wider than needed: ${finding}`)
    const seen = [...pairs(instances, hosts), ...bastionsSeen(hosts, observation, settings)]
    await pin(settings, seen, options)
    // Not before: what was wrong is looked at anew the next time.
    if (kept === undefined) await cache.write(observation)
    return { name: 'aws', hosts, variables: {}, groupVariables: {}, policy }
  },
}

async function observed(settings: AwsSettings, signal: AbortSignal | undefined): Promise<Observation> {
  const { observe } = await import('./aws/observe.ts')
  return observe(settings, signal)
}

function pairs(instances: readonly Instance[], hosts: readonly Host[]): Seen[] {
  return hosts.flatMap((host, index) => {
    const instance = instances[index]
    return instance === undefined ? [] : [{ host, id: instance.id, region: instance.region }]
  })
}

/** The bastions that hosts are reached through, and that are no hosts themselves. */
function bastionsSeen(hosts: readonly Host[], observation: Observation, settings: AwsSettings): Seen[] {
  const used = new Set(hosts.flatMap(({ jump }) => jump?.name ?? []))
  if (used.size === 0) return []
  return bastionsOf(observation, settings)
    .filter(({ host, instance }) => used.has(host.name) && isOnlyBastion(instance, settings))
    .map(({ host, instance: { id, region } }) => ({ host, id, region }))
}

/** The AWS SDK is loaded when a console is asked for, which is once for each host. */
async function pin(
  settings: AwsSettings,
  seen: Seen[],
  { projectDirectory, progress, signal }: LoadOptions,
): Promise<void> {
  const open = async () => new (await import('./aws/console.ts')).Consoles(settings, signal)
  let consoles: ReturnType<typeof open> | undefined
  try {
    await pinHostKeys(seen, {
      projectDirectory,
      progress,
      consoleOf: async (each) => {
        consoles ??= open()
        return (await consoles).outputOf(each)
      },
    })
  } finally {
    await (await consoles)?.close()
  }
}
