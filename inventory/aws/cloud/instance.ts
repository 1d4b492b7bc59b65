import {
  CreateTagsCommand,
  type Instance,
  type InstanceStateName,
  ModifyInstanceAttributeCommand,
  ModifyInstanceMetadataOptionsCommand,
  StartInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2'
import * as v from 'valibot'
import { SluiceError } from '../../../engine/errors.ts'
import { type Change, compare, defineResource, type Step } from '../../../engine/resource.ts'
import { regionOf } from './connection.ts'
import { groupIds, type Holdings } from './holdings.ts'
import { imageName } from './image-wish.ts'
import { type Image, resolveImage } from './images.ts'
import { launch } from './launch.ts'
import { goingAway, instancePart, partsOf, partTag, Stack, tagList, tagOf } from './stack.ts'
import { step } from './steps.ts'
import { Wanted } from './wanted.ts'

const Spec = v.strictObject({
  stack: Stack,
  name: v.string(),
  /** Left out, there is only something to be removed. */
  wanted: v.optional(Wanted),
})

interface Have {
  ids: string[]
  /** How many of them are not on their way out: more than one only where somebody copied our tags. */
  alive: number
  state: string
  /** What differs between instances, as texts. */
  properties: Record<string, string | undefined>
  tags: Record<string, string | undefined>
}

/** On the way to what is wanted, or there. */
const comingUp: (InstanceStateName | undefined)[] = ['pending', 'running']

/** One host: IMDSv2 only, its disk encrypted. That it runs is waited for by another resource, so that all start at once. */
export const instance = defineResource<typeof Spec, Have, Image>({
  kind: 'instance',
  spec: Spec,
  id: ({ name }) => name,
  reads: ({ name, wanted }) => [
    'subnet',
    'key-pair',
    `instance/${name}`,
    ...(wanted?.groups ?? []).map((group) => `security-group/${group}`),
  ],
  touches: ({ name }) => [`instance/${name}`],

  probe: ({ name }) => ({
    async read(access) {
      const region = regionOf(access)
      const holdings = await region.holdings()
      const found = partsOf(holdings.instances, instancePart(name))
      const alive = found.filter(({ State }) => !goingAway.includes(State?.Name))
      const [first = found[0]] = alive
      return first && haveOf(first, holdings, alive.length)
    },
  }),

  diff({ name, wanted }, have) {
    if (wanted === undefined) return []
    if (have === undefined || have.state === 'shutting-down') {
      const { type, image, imageId, diskGb } = wanted
      const disk = `${diskGb} GB gp3, encrypted`
      const name = imageName(image)
      const from = imageId === undefined || imageId === name ? name : `${name} (${imageId})`
      return compare(
        { state: 'running', type, image: from, disk, metadata: 'IMDSv2 only' },
        { state: have?.state },
      )
    }
    if (have.alive > 1) throw doubled(name, have)
    const { type, address, diskGb, groups, tags } = wanted
    const fixed = compare({ type, address, disk: `${diskGb} GB, encrypted` }, have.properties)
    if (fixed.length > 0) throw unlike(name, have, fixed)
    const state = comingUp.includes(have.state as InstanceStateName)
      ? []
      : compare({ state: 'running' }, have)
    const want = { 'security groups': [...groups].sort().join(', '), metadata: 'IMDSv2 only' }
    const tagChanges = compare(tags, have.tags).map((each) => ({ ...each, property: `tag ${each.property}` }))
    return [...state, ...compare(want, have.properties), ...tagChanges]
  },

  async prepare({ wanted }, access) {
    if (wanted === undefined) throw new TypeError('what is only removed is not prepared')
    const { image, imageId = image, type } = wanted
    return resolveImage(regionOf(access).api, { image: imageId, type })
  },

  apply({ stack, name, wanted }, have, image) {
    if (wanted === undefined) return []
    if (have === undefined || have.state === 'shutting-down') {
      return [
        step(`launch ${name}`, (region, progress) =>
          launch(region, { stack, name, part: instancePart(name), wanted, image, progress }),
        ),
      ]
    }
    return adjustments({ wanted, have })
  },

  remove: ({ name }, { ids, state }) =>
    state === 'shutting-down'
      ? []
      : [
          step(`terminate ${name}`, async ({ api }) => {
            await api.send(new TerminateInstancesCommand({ InstanceIds: ids }))
          }),
        ],
})

function haveOf(found: Instance, holdings: Holdings, alive: number): Have {
  const root = found.BlockDeviceMappings?.find(({ DeviceName }) => DeviceName === found.RootDeviceName)
  const disk = holdings.volumes.find(({ VolumeId }) => VolumeId === root?.Ebs?.VolumeId)
  const [primary] = found.NetworkInterfaces ?? []
  const groups = (primary?.Groups ?? []).map(({ GroupId = '' }) => {
    const ours = holdings.securityGroups.find((group) => group.GroupId === GroupId)
    return (ours && tagOf(ours, partTag)?.replace(/^security-group /, '')) ?? GroupId
  })
  const tags = (found.Tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value])
  return {
    ids: partsOf(holdings.instances, tagOf(found, partTag) ?? '').flatMap(
      ({ InstanceId }) => InstanceId ?? [],
    ),
    alive,
    state: found.State?.Name ?? 'unknown',
    properties: {
      type: found.InstanceType,
      address: found.PrivateIpAddress,
      ...(disk !== undefined && { disk: `${disk.Size} GB${disk.Encrypted ? ', encrypted' : ''}` }),
      'security groups': groups.sort().join(', '),
      metadata: found.MetadataOptions?.HttpTokens === 'required' ? 'IMDSv2 only' : 'IMDSv1 too',
    },
    tags: Object.fromEntries(tags),
  }
}

/** What brings an instance that is there to what is declared. */
function adjustments({ wanted, have }: { wanted: Wanted; have: Have }): Step[] {
  const [InstanceId = ''] = have.ids
  const { properties } = have
  const steps: Step[] = []
  if (properties['security groups'] !== [...wanted.groups].sort().join(', ')) {
    steps.push(
      step('set the security groups', async (region) => {
        const { securityGroups } = await region.holdings()
        const Groups = groupIds(securityGroups, wanted.groups)
        await region.api.send(new ModifyInstanceAttributeCommand({ InstanceId, Groups }))
      }),
    )
  }
  if (properties.metadata !== 'IMDSv2 only') {
    steps.push(
      step('require IMDSv2', async ({ api }) => {
        await api.send(
          new ModifyInstanceMetadataOptionsCommand({
            InstanceId,
            HttpTokens: 'required',
            HttpEndpoint: 'enabled',
          }),
        )
      }),
    )
  }
  if (compare(wanted.tags, have.tags).length > 0) {
    steps.push(
      step('set the tags', async ({ api }) => {
        await api.send(new CreateTagsCommand({ Resources: [InstanceId], Tags: tagList(wanted.tags) }))
      }),
    )
  }
  if (!comingUp.includes(have.state as InstanceStateName)) {
    steps.push(
      step('start the instance', async (region, progress) => {
        // One that is stopping takes no wish until it has stopped.
        await region.api.until({ what: 'it has stopped', seconds: 600, progress }, async () =>
          (await region.holdings()).instances.find(
            (each) => each.InstanceId === InstanceId && each.State?.Name !== 'stopping',
          ),
        )
        await region.api.send(new StartInstancesCommand({ InstanceIds: [InstanceId] }))
      }),
    )
  }
  return steps
}

function unlike(name: string, { ids }: Have, changes: readonly Change[]): SluiceError {
  const sides = changes.map(({ property, have, want }) => `${property} is ${have}, should be ${want}`)
  return new SluiceError('AWS_CONFLICT', {
    subject: `${name} (${ids.join(', ')}) is there and is not changed in this: ${sides.join('; ')}`,
    advice: `declare what there is (aws.up.hosts.${name} in sluice.config.json), or terminate the instance and run again: that loses what is on it`,
  })
}

function doubled(name: string, { ids, alive }: Have): SluiceError {
  return new SluiceError('AWS_CONFLICT', {
    subject: `${alive} instances carry the tags of ${name}: ${ids.join(', ')}`,
    advice: `terminate those that are not meant, or take their tag ${partTag} away`,
  })
}
