import { SluiceError } from '../../engine/errors.ts'
import type { Host, Variables } from '../../engine/inventory.ts'
import { mergeVariables, parseVariable } from '../../engine/variables.ts'
import { partTag, stackTag } from './cloud/stack.ts'
import { uniqueNames } from './names.ts'
import type { Instance, Observation, SecurityGroup } from './observation.ts'
import { type AwsSettings, nameOf, tagFilter } from './settings.ts'

/** Groups that the policy means something else by. */
const reserved = ['all', 'admin']

/** What a group of hosts is called that are in a security group, by its identifier. */
export function securityGroupNames(groups: readonly SecurityGroup[]): Map<string, string> {
  return uniqueNames(groups, 'sg_')
}

/**
 * The instances that are hosts of the inventory: those with a role.
 *
 * @throws SluiceError INSTANCE_MISSING with what was looked for and what was there
 * @throws SluiceError INSTANCE_NOT_RUNNING when one of them is stopped, starts, or is being terminated
 */
export function chosenInstances(
  { instances, regions, seen }: Observation,
  settings: AwsSettings,
): Instance[] {
  const there = instances.filter(({ state }) => state !== 'terminated')
  const withRole = there.filter(({ tags }) => rolesOf(tags, settings).length > 0)
  if (withRole.length === 0) {
    const filter = tagFilter(settings).map(([tag, value]) => `${tag}=${value}`)
    const others = there.length > 0 ? there.map(({ id }) => `${id} has no tag ${settings.tags.role}`) : seen
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
  { securityGroups, images }: Observation,
  settings: AwsSettings,
): Host[] {
  const groupNames = securityGroupNames(securityGroups)
  const hostNames = uniqueNames(instances.map(({ id, tags }) => ({ id, name: tags[settings.tags.name] })))
  return instances.map((instance) => {
    const privateAddresses = instance.interfaces.flatMap(({ addresses }) => addresses)
    const { identityFile } = settings
    return {
      name: hostNames.get(instance.id) ?? instance.id,
      address: loginAddress(instance, privateAddresses, settings),
      port: settings.port,
      user: settings.user ?? loginUser(instance, images[instance.image]),
      ...(identityFile !== undefined && { identityFile }),
      hostKeys: [],
      privateAddresses,
      groups: groupsOf(instance, groupNames, settings),
      variables: variablesIn(instance, settings),
    }
  })
}

/** The values of the role tag, `,` or a space between them. */
function rolesOf(tags: Record<string, string>, settings: AwsSettings): string[] {
  return (tags[settings.tags.role] ?? '').split(/[\s,]+/).filter((role) => role !== '')
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

function loginAddress(
  { id, publicAddress }: Instance,
  [privateAddress]: readonly string[],
  { address }: AwsSettings,
): string {
  const found =
    address === 'private' ? privateAddress : (publicAddress ?? (address ? undefined : privateAddress))
  if (found !== undefined) return found
  throw new SluiceError('INVENTORY_INVALID', {
    subject: `${id} has no ${address ?? 'private'} address`,
    at: id,
    advice:
      'give the instance one, or leave aws.address out of sluice.config.json to take the address that there is',
  })
}

/** The account that the image's makers let in. */
function loginUser({ id, image }: Instance, name: string | undefined): string {
  if (/ubuntu/i.test(name ?? '')) return 'ubuntu'
  if (/debian/i.test(name ?? '')) return 'admin'
  throw new SluiceError('INVENTORY_INVALID', {
    subject: `who may log in to ${id} cannot be told from its image, ${image}`,
    at: id,
    why: name === undefined ? 'the image is gone or not ours to see' : `it is called "${name}"`,
    advice: 'put the account into sluice.config.json: "aws": { "user": "admin" }',
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
