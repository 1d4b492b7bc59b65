import type { Instance as InstanceAnswer, IpPermission } from '@aws-sdk/client-ec2'
import type { IngressRule, Instance } from './observation.ts'

/** An instance, without what is of no use here. */
export function instanceOf(answer: InstanceAnswer, region: string): Instance {
  const tags = (answer.Tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value])
  return {
    id: answer.InstanceId ?? '',
    region,
    state: answer.State?.Name ?? 'unknown',
    image: answer.ImageId ?? '',
    type: answer.InstanceType ?? '',
    zone: answer.Placement?.AvailabilityZone ?? '',
    ...(answer.VpcId ? { network: answer.VpcId } : {}),
    tags: Object.fromEntries(tags),
    // Without one, the API says so with an empty text.
    ...(answer.PublicIpAddress ? { publicAddress: answer.PublicIpAddress } : {}),
    interfaces: (answer.NetworkInterfaces ?? []).map((each) => ({
      id: each.NetworkInterfaceId ?? '',
      addresses: addressesOf(each),
      securityGroups: (each.Groups ?? []).flatMap(({ GroupId }) => GroupId ?? []),
    })),
  }
}

interface Addressed {
  PrivateIpAddresses?: { Primary?: boolean | undefined; PrivateIpAddress?: string | undefined }[] | undefined
  Ipv6Addresses?: { Ipv6Address?: string | undefined }[] | undefined
}

/** The private addresses of an interface, those of IPv4 first, and of these the main one. */
export function addressesOf({ PrivateIpAddresses = [], Ipv6Addresses = [] }: Addressed): string[] {
  const mainFirst = [...PrivateIpAddresses].sort(
    (left, right) => Number(right.Primary ?? false) - Number(left.Primary ?? false),
  )
  return [
    ...mainFirst.flatMap(({ PrivateIpAddress }) => PrivateIpAddress ?? []),
    ...Ipv6Addresses.flatMap(({ Ipv6Address }) => Ipv6Address ?? []),
  ]
}

/** What a security group lets in by one of its rules. */
export function ingressRuleOf(permission: IpPermission): IngressRule {
  const { IpProtocol = '-1', FromPort, ToPort } = permission
  return {
    protocol: IpProtocol,
    ...(FromPort !== undefined && { fromPort: FromPort }),
    ...(ToPort !== undefined && { toPort: ToPort }),
    networks: [
      ...(permission.IpRanges ?? []).flatMap(({ CidrIp }) => CidrIp ?? []),
      ...(permission.Ipv6Ranges ?? []).flatMap(({ CidrIpv6 }) => CidrIpv6 ?? []),
    ],
    prefixLists: (permission.PrefixListIds ?? []).flatMap(({ PrefixListId }) => PrefixListId ?? []),
    groups: (permission.UserIdGroupPairs ?? []).flatMap(({ GroupId, UserId }) =>
      GroupId === undefined
        ? []
        : [{ id: GroupId, ...(UserId !== undefined && UserId !== '' && { account: UserId }) }],
    ),
  }
}
