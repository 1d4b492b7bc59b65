import type { Host } from '../../engine/inventory.ts'
import { imageUser } from './image-user.ts'
import { uniqueNames } from './names.ts'
import type { Instance, Observation } from './observation.ts'
import { rolesOf } from './roles.ts'
import type { AwsSettings } from './settings.ts'

/** An instance that others are reached through. */
export interface Bastion {
  host: Host
  instance: Instance
}

/** Whether others may be reached through an instance: it has the role of a bastion, and maybe others. */
export function isBastion({ tags }: Instance, settings: AwsSettings): boolean {
  return rolesOf(tags, settings).includes(settings.bastion.role)
}

/** Whether an instance is a bastion and nothing else: Sluice puts nothing on it. */
export function isOnlyBastion(instance: Instance, settings: AwsSettings): boolean {
  return isBastion(instance, settings) && rolesOf(instance.tags, settings).length === 1
}

/**
 * The bastions that run.
 *
 * @throws SluiceError INVENTORY_INVALID when nothing tells who may log in to one
 */
export function bastionsOf({ instances, images }: Observation, settings: AwsSettings): Bastion[] {
  const running = instances.filter((each) => each.state === 'running' && isBastion(each, settings))
  const names = uniqueNames(running.map(({ id, tags }) => ({ id, name: tags[settings.tags.name] })))
  const { identityFile } = settings
  return running.flatMap((instance) => {
    // One that is a host too has one way in.
    const bastion: AwsSettings['bastion'] = isOnlyBastion(instance, settings)
      ? settings.bastion
      : { role: settings.bastion.role }
    const privateAddresses = instance.interfaces.flatMap(({ addresses }) => addresses)
    const address = instance.publicAddress ?? privateAddresses[0]
    if (address === undefined) return []
    const host = {
      name: names.get(instance.id) ?? instance.id,
      address,
      port: bastion.port ?? settings.port,
      user: bastion.user ?? settings.user ?? imageUser(instance, images[instance.image], 'aws.bastion.user'),
      ...(identityFile !== undefined && { identityFile }),
      hostKeys: [],
      privateAddresses,
      groups: [],
      variables: {},
    }
    return [{ host, instance }]
  })
}

/** The bastion that is nearest to an instance: in its network, else in its region, and there best in its zone. */
export function nearestBastion(
  { network, region, zone }: Instance,
  bastions: readonly Bastion[],
): Bastion | undefined {
  const nearness = ({ instance }: Bastion) =>
    Number(instance.network !== undefined && instance.network === network) * 4 +
    Number(instance.region === region) * 2 +
    Number(instance.zone === zone)
  // Of those that are equally near it is always the same one.
  const byIdentifier = [...bastions].sort((one, other) => (one.instance.id < other.instance.id ? -1 : 1))
  return byIdentifier.sort((one, other) => nearness(other) - nearness(one))[0]
}
