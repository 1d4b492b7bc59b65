import {
  DescribeKeyPairsCommand,
  type Instance,
  type InternetGateway,
  type KeyPairInfo,
  paginateDescribeInstances,
  paginateDescribeInternetGateways,
  paginateDescribeRouteTables,
  paginateDescribeSecurityGroups,
  paginateDescribeSubnets,
  paginateDescribeVolumes,
  paginateDescribeVpcs,
  type RouteTable,
  type SecurityGroup,
  type Subnet,
  type Volume,
  type Vpc,
} from '@aws-sdk/client-ec2'
import type { RegionApi } from './region-api.ts'
import { groupPart, partsOf, type Stack, stackFilter } from './stack.ts'

/** Everything at AWS that carries the tag of a stack. */
export interface Holdings {
  vpcs: Vpc[]
  gateways: InternetGateway[]
  subnets: Subnet[]
  routeTables: RouteTable[]
  securityGroups: SecurityGroup[]
  keyPairs: KeyPairInfo[]
  /** Those that are terminated are left out: they are a memory of AWS, and nothing can be done with them. */
  instances: Instance[]
  volumes: Volume[]
}

/** Asks AWS for everything that a stack holds. */
export async function holdingsOf(api: RegionApi, stack: Stack): Promise<Holdings> {
  const asked = { Filters: stackFilter(stack) }
  const { paging, sending } = api
  const [vpcs, gateways, subnets, routeTables, securityGroups, keys, instances, volumes] = await Promise.all([
    api.list('DescribeVpcs', paginateDescribeVpcs(paging, asked, sending), (page) => page.Vpcs),
    api.list(
      'DescribeInternetGateways',
      paginateDescribeInternetGateways(paging, asked, sending),
      (page) => page.InternetGateways,
    ),
    api.list('DescribeSubnets', paginateDescribeSubnets(paging, asked, sending), (page) => page.Subnets),
    api.list(
      'DescribeRouteTables',
      paginateDescribeRouteTables(paging, asked, sending),
      (page) => page.RouteTables,
    ),
    api.list(
      'DescribeSecurityGroups',
      paginateDescribeSecurityGroups(paging, asked, sending),
      (page) => page.SecurityGroups,
    ),
    api.send(new DescribeKeyPairsCommand({ ...asked, IncludePublicKey: true })),
    api.list('DescribeInstances', paginateDescribeInstances(paging, asked, sending), (page) =>
      page.Reservations?.flatMap((reservation) => reservation.Instances ?? []),
    ),
    api.list('DescribeVolumes', paginateDescribeVolumes(paging, asked, sending), (page) => page.Volumes),
  ])
  return {
    vpcs: inOrder(vpcs, ({ VpcId }) => VpcId),
    gateways: inOrder(gateways, ({ InternetGatewayId }) => InternetGatewayId),
    subnets: inOrder(subnets, ({ SubnetId }) => SubnetId),
    routeTables: inOrder(routeTables, ({ RouteTableId }) => RouteTableId),
    securityGroups: inOrder(securityGroups, ({ GroupId }) => GroupId),
    keyPairs: inOrder(keys.KeyPairs ?? [], ({ KeyPairId }) => KeyPairId),
    instances: inOrder(instances, ({ InstanceId }) => InstanceId).filter(
      ({ State }) => State?.Name !== 'terminated',
    ),
    volumes: inOrder(volumes, ({ VolumeId }) => VolumeId).filter(({ State }) => State !== 'deleting'),
  }
}

/** So that of two with the same tags every look takes the same one. */
function inOrder<Thing>(things: readonly Thing[], idOf: (thing: Thing) => string | undefined): Thing[] {
  return [...things].sort((left, right) => ((idOf(left) ?? '') < (idOf(right) ?? '') ? -1 : 1))
}

/** Every identifier in these holdings: what a listing that proves absence must not have. */
export function identifiersIn(holdings: Holdings): string[] {
  return [
    ...holdings.instances.map(({ InstanceId }) => InstanceId),
    ...holdings.volumes.map(({ VolumeId }) => VolumeId),
    ...holdings.keyPairs.map(({ KeyName }) => `key pair ${KeyName}`),
    ...holdings.securityGroups.map(({ GroupId }) => GroupId),
    ...holdings.routeTables.map(({ RouteTableId }) => RouteTableId),
    ...holdings.subnets.map(({ SubnetId }) => SubnetId),
    ...holdings.gateways.map(({ InternetGatewayId }) => InternetGatewayId),
    ...holdings.vpcs.map(({ VpcId }) => VpcId),
  ].filter((id) => id !== undefined)
}

/** The identifiers of security groups, by what the stack calls them. */
export function groupIds(groups: readonly SecurityGroup[], names: readonly string[]): string[] {
  return names.flatMap((name) => partsOf(groups, groupPart(name))[0]?.GroupId ?? [])
}
