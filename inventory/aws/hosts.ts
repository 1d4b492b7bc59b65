import { SluiceError } from '../../engine/errors.ts'
import type { Host, Variables } from '../../engine/inventory.ts'
import { mergeVariables, parseVariable } from '../../engine/variables.ts'
import { type Bastion, bastionsOf, isBastion, isOnlyBastion, nearestBastion } from './bastions.ts'
import { partTag, stackTag } from './cloud/stack.ts'
import { imageUser } from './image-user.ts'
import { uniqueNames } from './names.ts'
import type { Instance, Observation, SecurityGroup } from './observation.ts'
import { rolesOf } from './roles.ts'
import { type AwsSettings, nameOf, tagFilter } from './settings.ts'

/** Groups that the policy means something else by. */
const reserved = ['all', 'admin']

/** What a group of hosts is called that are in a security group, by its identifier. */
export function securityGroupNames(groups: readonly SecurityGroup[]): Map<string, string> {
  return uniqueNames(groups, 'sg_')
}

/**
 * The instances that are hosts of the inventory: those with a role, and not only that of a bastion.
 *
 * @throws SluiceError INSTANCE_MISSING with what was looked for and what was there
 * @throws SluiceError INSTANCE_NOT_RUNNING when one of them is stopped, starts, or is being terminated
 */
export function chosenInstances(
  { instances, regions, seen }: Observation,
  settings: AwsSettings,
): Instance[] {
  const there = instances.filter(({ state }) => state !== 'terminated')
  const withRole = there.filter(
    (each) => rolesOf(each.tags, settings).length > 0 && !isOnlyBastion(each, settings),
  )
  if (withRole.length === 0) {
    const filter = tagFilter(settings).map(([tag, value]) => `${tag}=${value}`)
    const others = there.length > 0 ? there.map((each) => whyNoHost(each, settings)) : seen
    throw new SluiceError('INSTANCE_MISSING', {
      subject: `no instance has the tags ${filter.join(', ')} and ${settings.tags.role}`,
      at: regions.join(', '),
      why: others.length === 0 ? 'there is no instance at all' : `there are: ${some(others, '\n')}`,
      advice: `tag the instances, or say in sluice.config.json (section aws) which project, tags or regions are meant`,
    })
  }
  const idle = withRole.filter(({ state }) => state !== 'running')
  if (idle.length === 0) return withRole
  throw new SluiceError('INSTANCE_NOT_RUNNING', {
    subject: `not running: ${some(
      idle.map(({ id, state, tags }) => `${tags[settings.tags.name] ?? id} (${id}) is ${state}`),
      ', ',
    )}`,
    at: regions.join(', '),
    why: `it has the tags that are looked for; ${withRole.length - idle.length} others run`,
    advice: `start it, wait until it is gone, or take its tag ${settings.tags.role} away; nothing was changed`,
  })
}

/**
 * Instances as hosts.
 *
 * @throws SluiceError INVENTORY_INVALID when a tag is not as it should be
 */
export function hostsOf(
  instances: readonly Instance[],
  observation: Observation,
  settings: AwsSettings,
): Host[] {
  const { securityGroups, images } = observation
  const bastions = needBastion(instances, settings) ? bastionsOf(observation, settings) : []
  const groupNames = securityGroupNames(securityGroups)
  const hostNames = uniqueNames(instances.map(({ id, tags }) => ({ id, name: tags[settings.tags.name] })))
  return instances.map((instance) => {
    const privateAddresses = instance.interfaces.flatMap(({ addresses }) => addresses)
    const { identityFile } = settings
    return {
      name: hostNames.get(instance.id) ?? instance.id,
      ...wayTo(instance, privateAddresses, { settings, bastions }),
      port: settings.port,
      user: settings.user ?? imageUser(instance, images[instance.image], 'aws.user'),
      ...(identityFile !== undefined && { identityFile }),
      hostKeys: [],
      privateAddresses,
      groups: groupsOf(instance, groupNames, settings),
      variables: variablesIn(instance, settings),
    }
  })
}

function groupsOf(
  { id, tags, zone, type, interfaces }: Instance,
  groupNames: ReadonlyMap<string, string>,
  settings: AwsSettings,
): string[] {
  const roles = rolesOf(tags, settings)
  for (const role of roles) {
    if (nameOf(role) === role && !reserved.includes(role) && !role.startsWith('sg_')) continue
    throw new SluiceError('INVENTORY_INVALID', {
      subject: `${settings.tags.role} should name groups (letters, digits, "-", "_", "."; not ${reserved.join(', ')} or sg_…), got "${role}"`,
      at: `${id} > tag ${settings.tags.role}`,
      advice: 'correct the tag; several groups have a "," between them',
    })
  }
  const attached = interfaces.flatMap(({ securityGroups }) => securityGroups)
  const others = [
    ...attached.map((group) => groupNames.get(group)),
    ...Object.entries(tags)
      // Those are not about what the host is, and mostly different on each.
      .filter(([tag]) => tag !== settings.tags.name && tag !== stackTag && tag !== partTag)
      .filter(([tag]) => !tag.startsWith(settings.variablePrefix) && !tag.startsWith('aws:'))
      .map(([tag, value]) => nameOf(`tag_${tag}_${value}`)),
    nameOf(`zone_${zone}`),
    nameOf(`type_${type}`),
  ]
  return [...new Set([...roles, ...others.filter((name) => name !== undefined)])]
}

function whyNoHost(instance: Instance, settings: AwsSettings): string {
  const { role } = settings.tags
  if (isOnlyBastion(instance, settings))
    return `${instance.id} has ${role}=${settings.bastion.role}: it is only gone through`
  return `${instance.id} has no tag ${role}`
}

function needBastion(instances: readonly Instance[], { address }: AwsSettings): boolean {
  if (address !== undefined) return address === 'bastion'
  return instances.some(({ publicAddress }) => publicAddress === undefined)
}

/** Where SSH goes, and through which bastion: what the settings say, else what there is. */
function wayTo(
  instance: Instance,
  [privateAddress]: readonly string[],
  { settings, bastions }: { settings: AwsSettings; bastions: readonly Bastion[] },
): Pick<Host, 'address' | 'jump'> {
  const { id, publicAddress } = instance
  const { address: wanted } = settings
  // What others go through is where one comes in.
  const isDoor = isBastion(instance, settings)
  const direct = wanted === 'private' || (wanted === 'bastion' && !isDoor) ? undefined : publicAddress
  const address = direct ?? (wanted === 'public' ? undefined : privateAddress)
  if (address === undefined) {
    throw new SluiceError('INVENTORY_INVALID', {
      subject: `${id} has no ${wanted === 'public' ? 'public' : 'private'} address`,
      at: id,
      advice:
        'give the instance one, or leave aws.address out of sluice.config.json to take the address that there is',
    })
  }
  if (direct !== undefined || isDoor) return { address }
  const jump = nearestBastion(instance, bastions)?.host
  if (wanted !== 'bastion' || jump !== undefined) return { address, ...(jump !== undefined && { jump }) }
  const tag = `${settings.tags.role}=${settings.bastion.role}`
  throw new SluiceError('INVENTORY_INVALID', {
    subject: `${id} is to be reached through a bastion, and no instance runs that has the tag ${tag}`,
    at: id,
    advice: `start or tag one, or leave aws.address out of sluice.config.json to take the address that there is`,
  })
}

function variablesIn({ id, tags }: Instance, { variablePrefix }: AwsSettings): Variables {
  const found = Object.entries(tags).filter(([tag]) => tag.startsWith(variablePrefix))
  return found
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([tag, value]) => {
      try {
        return parseVariable(`${tag.slice(variablePrefix.length)}=${value}`)
      } catch (error) {
        throw new SluiceError('INVENTORY_INVALID', {
          subject: `the tag should be ${variablePrefix}role.parameter with a value of YAML, got "${tag}" with "${value}"`,
          at: `${id} > tag ${tag}`,
          advice: `correct the tag, for example ${variablePrefix}kafka.heapMb with 512`,
          cause: error,
        })
      }
    })
    .reduce<Variables>((merged, layer) => mergeVariables(merged, layer), {})
}

function some(texts: readonly string[], between: string): string {
  const most = 10
  const rest = texts.length > most ? [`and ${texts.length - most} more`] : []
  return [...texts.slice(0, most), ...rest].join(between)
}
