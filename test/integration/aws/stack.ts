import {
  DescribeInstancesCommand,
  DescribeKeyPairsCommand,
  DescribeRouteTablesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
  DescribeVolumesCommand,
  DescribeVpcsCommand,
  type Instance,
} from '@aws-sdk/client-ec2'
import type { ExecutionContext, TestFn } from 'ava'
import { projectFolder, sluice, startSluice } from '../../support/cli.ts'
import { documentsIn } from '../../support/json-documents.ts'
import { Cloud, required } from './cloud.ts'
import { type CloudApi, environment, startCloudApi } from './cloud-api.ts'

export const publicKey =
  'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl me@here'

/** What up makes for four hosts, in its order. */
export const everything = [
  'vpc',
  'internet gateway',
  'subnet',
  'route table',
  ...['ssh', 'kafka', 'mongodb', 'processor', 'producers'].map((name) => `security group ${name}`),
  ...['ssh', 'kafka', 'mongodb', 'processor'].map((name) => `ingress rules ${name}`),
  'key pair',
  ...['vm1', 'vm2', 'vm3', 'vm4'].map((name) => `instance ${name}`),
]

/** A parameter of SSM that the server has, with an image that it has too. */
export function amazonLinux(architecture: 'x86_64' | 'arm64'): string {
  return `/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-6.1-${architecture}`
}

/** An API of a test file's own, and projects whose hosts are made there. */
export async function startStacks(test: TestFn) {
  const api = await startCloudApi(test)
  const project = (t: ExecutionContext, region: string, up?: object, regions?: string[]) =>
    makeProject(api, t, region, up, regions)
  return { ...api, project }
}

/** A project whose hosts are made in a region of the test's own, by way of the relay. */
async function makeProject(
  { moto, relay }: CloudApi,
  t: ExecutionContext,
  region: string,
  up: object = {},
  regions = [region],
) {
  const cloud = new Cloud(moto.url, region)
  await cloud.image('debian-12-amd64-20260101')
  const aws = {
    regions,
    project: 'shop',
    up: {
      admin: ['203.0.113.7/32', '2001:db8::/48'],
      publicKey: 'key.pub',
      image: { owner: 'self', name: 'debian-12-*' },
      ...up,
    },
  }
  const folder = projectFolder(t, {
    'sluice.config.json': JSON.stringify({ inventory: 'aws', aws }),
    'key.pub': publicKey,
  })
  const settings = { ...environment, AWS_ENDPOINT_URL_EC2: relay.url, AWS_ENDPOINT_URL_SSM: relay.url }
  t.teardown(() => {
    relay.intercept = () => undefined
    relay.sever = () => false
  })
  const text = (words: string[], more: Record<string, string> = {}) =>
    sluice(folder, words, { ...settings, ...more })
  const run = async (words: string[], more: Record<string, string> = {}) => {
    const { exitCode, stdout, stderr } = await text([...words, '--json'], more)
    const documents = documentsIn(stdout)
    const end = documents.findLast((document) => document.type === 'run-ended')
    const [result] = end?.result.hosts ?? []
    const changed = result?.changed.map(({ resource }) => resource.replace(' shop', '')) ?? []
    return { exitCode, changed, error: result?.error, stderr }
  }
  const up0 = (more: Record<string, string> = {}) => run(['up', '--wait', '0'], more)
  const start = (words: string[]) => startSluice(folder, words, settings)
  return { cloud, folder, text, run, up: up0, start }
}

export async function instancesOf(cloud: Cloud): Promise<Instance[]> {
  const { Reservations = [] } = await cloud.client.send(new DescribeInstancesCommand({}))
  return Reservations.flatMap(({ Instances = [] }) => Instances).filter(
    ({ State }) => State?.Name !== 'terminated',
  )
}

/** Everything in a region that a removal has to account for. */
export async function inventoryOf({ client }: Cloud) {
  const [vpcs, subnets, groups, tables, keys, volumes] = await Promise.all([
    client.send(new DescribeVpcsCommand({})),
    client.send(new DescribeSubnetsCommand({})),
    client.send(new DescribeSecurityGroupsCommand({})),
    client.send(new DescribeRouteTablesCommand({})),
    client.send(new DescribeKeyPairsCommand({})),
    client.send(new DescribeVolumesCommand({})),
  ])
  return [
    ...required(vpcs.Vpcs).map(({ VpcId }) => VpcId),
    ...required(subnets.Subnets).map(({ SubnetId }) => SubnetId),
    ...required(groups.SecurityGroups).map(({ GroupId }) => GroupId),
    ...required(tables.RouteTables).map(({ RouteTableId }) => RouteTableId),
    ...required(keys.KeyPairs).map(({ KeyName }) => KeyName),
    ...required(volumes.Volumes).map(({ VolumeId }) => VolumeId),
  ].sort()
}
