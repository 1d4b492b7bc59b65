import {
  type Instance,
  paginateDescribeInstances,
  paginateDescribeVolumes,
  type Volume,
} from '@aws-sdk/client-ec2'
import { type AwsSettings, tagFilter } from '../settings.ts'
import type { Priced } from './cost.ts'
import type { RegionApi } from './region-api.ts'
import { tagOf } from './stack.ts'

/** As many values a filter may have. */
const mostValues = 200

/** The instances of the project, whoever made them, but for those that are gone or going. */
export function projectInstances(api: RegionApi, settings: AwsSettings): Promise<Instance[]> {
  const Filters = [
    ...tagFilter(settings).map(([tag, value]) => ({ Name: `tag:${tag}`, Values: [value] })),
    { Name: 'instance-state-name', Values: ['pending', 'running', 'stopping', 'stopped'] },
  ]
  return api.list(
    'DescribeInstances',
    paginateDescribeInstances(api.paging, { Filters }, api.sending),
    (page) => page.Reservations?.flatMap((reservation) => reservation.Instances ?? []),
  )
}

/** What there is of the project now, whoever made it, and what of it is paid for. */
export async function runningHosts(api: RegionApi, settings: AwsSettings): Promise<Priced[]> {
  const instances = await projectInstances(api, settings)
  const volumes = await volumesOf(
    api,
    instances.flatMap(({ InstanceId }) => InstanceId ?? []),
  )
  return instances.map((each) => {
    const own = each.BlockDeviceMappings?.map(({ Ebs }) => Ebs?.VolumeId) ?? []
    const diskGb = volumes
      .filter(({ VolumeId }) => own.includes(VolumeId))
      .reduce((sum, { Size = 0 }) => sum + Size, 0)
    return {
      name: tagOf(each, settings.tags.name) ?? each.InstanceId ?? '',
      role: tagOf(each, settings.tags.role) ?? '',
      type: each.InstanceType ?? '',
      diskGb,
      running: ['pending', 'running'].includes(each.State?.Name ?? ''),
      publicAddress: Boolean(each.PublicIpAddress),
      pricePerHour: settings.up.hosts[tagOf(each, settings.tags.name) ?? '']?.pricePerHour,
    }
  })
}

async function volumesOf(api: RegionApi, instances: readonly string[]): Promise<Volume[]> {
  const asked = Array.from({ length: Math.ceil(instances.length / mostValues) }, (_, index) => {
    const Values = instances.slice(index * mostValues, (index + 1) * mostValues)
    const Filters = [{ Name: 'attachment.instance-id', Values }]
    const pages = paginateDescribeVolumes(api.paging, { Filters }, api.sending)
    return api.list('DescribeVolumes', pages, (page) => page.Volumes)
  })
  return (await Promise.all(asked)).flat()
}
