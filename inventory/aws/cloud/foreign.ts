import {
  paginateDescribeInstances,
  paginateDescribeNetworkInterfaces,
  paginateDescribeRouteTables,
  paginateDescribeSecurityGroups,
  paginateDescribeSubnets,
  type Tag,
} from '@aws-sdk/client-ec2'
import { SluiceError } from '../../../engine/errors.ts'
import type { AwsSettings } from '../settings.ts'
import type { Declaration } from './declaration.ts'
import type { Holdings } from './holdings.ts'
import type { RegionApi } from './region-api.ts'
import { projectInstances } from './running-hosts.ts'
import { type Stack, stackTag, type Tagged, tagOf } from './stack.ts'

/**
 * Refuses a removal while something that `sluice up` did not make is in the stack's network.
 *
 * @throws SluiceError AWS_FOREIGN with everything that is there; nothing has been removed by then
 */
export async function refuseForeign(api: RegionApi, stack: Stack, holdings: Holdings): Promise<void> {
  const vpcs = holdings.vpcs.flatMap(({ VpcId }) => VpcId ?? [])
  if (vpcs.length === 0) return
  const Filters = [{ Name: 'vpc-id', Values: vpcs }]
  const { paging, sending } = api
  const isForeign = (thing: Tagged) => tagOf(thing, stackTag) !== stack.name
  const own = holdings.instances.flatMap(({ InstanceId }) => InstanceId ?? [])
  const [instances, interfaces, subnets, groups, tables] = await Promise.all([
    api.list('DescribeInstances', paginateDescribeInstances(paging, { Filters }, sending), (page) =>
      page.Reservations?.flatMap((reservation) => reservation.Instances ?? []),
    ),
    api.list(
      'DescribeNetworkInterfaces',
      paginateDescribeNetworkInterfaces(paging, { Filters }, sending),
      (page) => page.NetworkInterfaces,
    ),
    api.list(
      'DescribeSubnets',
      paginateDescribeSubnets(paging, { Filters }, sending),
      (page) => page.Subnets,
    ),
    api.list(
      'DescribeSecurityGroups',
      paginateDescribeSecurityGroups(paging, { Filters }, sending),
      (page) => page.SecurityGroups,
    ),
    api.list(
      'DescribeRouteTables',
      paginateDescribeRouteTables(paging, { Filters }, sending),
      (page) => page.RouteTables,
    ),
  ])
  const alive = instances.filter(({ State }) => State?.Name !== 'terminated').filter(isForeign)
  const foreign = [
    ...alive.map((each) => named(each.InstanceId, each.Tags)),
    ...interfaces
      .filter(({ TagSet }) => isForeign({ Tags: TagSet }))
      .filter(({ Attachment }) => !own.includes(Attachment?.InstanceId ?? ''))
      .filter(({ Attachment }) => !alive.some(({ InstanceId }) => InstanceId === Attachment?.InstanceId))
      .map((each) => `${named(each.NetworkInterfaceId, each.TagSet)} ${each.Description ?? ''}`.trim()),
    ...subnets.filter(isForeign).map((each) => named(each.SubnetId, each.Tags)),
    // Those two AWS makes with every VPC, and removes with it.
    ...groups
      .filter(isForeign)
      .filter(({ GroupName }) => GroupName !== 'default')
      .map((each) => `${each.GroupId} (${each.GroupName})`),
    ...tables
      .filter(isForeign)
      .filter(({ Associations = [] }) => !Associations.some(({ Main }) => Main))
      .map((each) => named(each.RouteTableId, each.Tags)),
  ]
  if (foreign.length === 0) return
  throw new SluiceError('AWS_FOREIGN', {
    subject: `in ${vpcs.join(', ')} there is what sluice up did not make: ${foreign.join(', ')}`,
    at: api.region,
    why: `it has no tag ${stackTag}=${stack.name}, so it is not for sluice destroy to remove`,
    advice: 'remove or move it yourself, then run again; nothing was removed',
  })
}

/**
 * Refuses to make hosts beside others that are the same hosts of the inventory.
 *
 * @throws SluiceError AWS_CONFLICT with their identifiers
 */
export async function refuseNamesakes(
  api: RegionApi,
  settings: AwsSettings,
  { hosts, stack }: Declaration,
): Promise<void> {
  const instances = await projectInstances(api, settings)
  const names = hosts.map(({ name }) => name)
  const namesakes = instances.filter(
    (each) => tagOf(each, stackTag) !== stack.name && names.includes(tagOf(each, settings.tags.name) ?? ''),
  )
  if (namesakes.length === 0) return
  throw new SluiceError('AWS_CONFLICT', {
    subject: `hosts of the project ${settings.project} are there that sluice up did not make: ${namesakes
      .map((each) => named(each.InstanceId, each.Tags, settings.tags.name))
      .join(', ')}`,
    at: api.region,
    advice:
      'provision those (sluice provision -i aws), or name another project for the new ones: "aws": { "project": "…" } in sluice.config.json',
  })
}

function named(id = '', Tags: Tag[] = [], nameTag = 'Name'): string {
  const name = tagOf({ Tags }, nameTag)
  return name === undefined ? id : `${id} (${name})`
}
