import { paginateDescribeInstances, paginateDescribeVolumes } from '@aws-sdk/client-ec2'
import { type AwsSettings, tagFilter } from '../settings.ts'
import type { Priced } from './cost.ts'
import type { RegionApi } from './region-api.ts'
import { tagOf } from './stack.ts'

/** What there is of the project now, whoever made it, and what of it is paid for. */
export async function runningHosts(api: RegionApi, settings: AwsSettings): Promise<Priced[]> {
  const Filters = [
    ...tagFilter(settings).map(([tag, value]) => ({ Name: `tag:${tag}`, Values: [value] })),
    { Name: 'instance-state-name', Values: ['pending', 'running', 'stopping', 'stopped'] },
  ]
  const instances = await api.list(
    'DescribeInstances',
    paginateDescribeInstances(api.paging, { Filters }, api.sending),
    (page) => page.Reservations?.flatMap((reservation) => reservation.Instances ?? []),
  )
  const disks = instances.flatMap(({ BlockDeviceMappings = [] }) =>
    BlockDeviceMappings.flatMap(({ Ebs }) => Ebs?.VolumeId ?? []),
  )
  const volumes =
    disks.length === 0
      ? []
      : await api.list(
          'DescribeVolumes',
          paginateDescribeVolumes(
            api.paging,
            { Filters: [{ Name: 'attachment.status', Values: ['attaching', 'attached'] }] },
            api.sending,
          ),
          (page) => page.Volumes,
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
