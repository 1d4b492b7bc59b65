import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  AuthorizeSecurityGroupIngressCommand,
  CreateTagsCommand,
  DeleteNetworkInterfaceCommand,
  DescribeInstancesCommand,
  DescribeKeyPairsCommand,
  DescribeRouteTablesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
  DescribeVolumesCommand,
  DescribeVpcsCommand,
  ImportKeyPairCommand,
  type Instance,
  ModifyInstanceMetadataOptionsCommand,
  ModifyNetworkInterfaceAttributeCommand,
  ReplaceRouteCommand,
  RunInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2'
import test, { type ExecutionContext } from 'ava'
import * as v from 'valibot'
import { JsonDocument } from '../../../engine/report/json-schema.ts'
import { projectFolder, sluice, startSluice } from '../../support/cli.ts'
import { inventoryActions, permittedActions, withoutConditions } from './actions.ts'
import { Cloud, required } from './cloud.ts'
import { startMoto } from './moto.ts'
import { ec2Error, startRelay } from './relay.ts'

const moto = await startMoto()
const relay = await startRelay(moto.url)
test.after.always(async () => {
  await relay.stop()
  await moto.stop()
})

const publicKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl me@here'
const everything = [
  'vpc',
  'internet gateway',
  'subnet',
  'route table',
  ...['ssh', 'kafka', 'mongodb', 'processor', 'producers'].map((name) => `security group ${name}`),
  ...['ssh', 'kafka', 'mongodb', 'processor'].map((name) => `ingress rules ${name}`),
  'key pair',
  ...['vm1', 'vm2', 'vm3', 'vm4'].map((name) => `instance ${name}`),
]

const denial = ec2Error(403, 'UnauthorizedOperation', 'You are not authorized to perform this operation.')

const ssmDenial = {
  status: 400,
  body: JSON.stringify({
    __type: 'AccessDeniedException',
    message:
      'User: arn:aws:iam::1:user/u is not authorized to perform: ssm:GetParameter on resource: arn:aws:ssm:eu-south-2::parameter/aws/service/x because no identity-based policy allows the ssm:GetParameter action',
  }),
}

/** A parameter of SSM that the server has, with an image that it has too. */
function amazonLinux(architecture: 'x86_64' | 'arm64'): string {
  return `/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-6.1-${architecture}`
}

const environment = {
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
}

/** A project whose hosts are made in a region of the test's own, by way of the relay. */
async function project(t: ExecutionContext, region: string, up: object = {}, regions = [region]) {
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
    const documents = stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => v.parse(JsonDocument, JSON.parse(line)))
    const end = documents.findLast((document) => document.type === 'run-ended')
    const [result] = end?.result.hosts ?? []
    const changed = result?.changed.map(({ resource }) => resource.replace(' shop', '')) ?? []
    return { exitCode, changed, error: result?.error, stderr }
  }
  const up0 = (more: Record<string, string> = {}) => run(['up', '--wait', '0'], more)
  const start = (words: string[]) => startSluice(folder, words, settings)
  return { cloud, folder, text, run, up: up0, start }
}

async function instancesOf(cloud: Cloud): Promise<Instance[]> {
  const { Reservations = [] } = await cloud.client.send(new DescribeInstancesCommand({}))
  return Reservations.flatMap(({ Instances = [] }) => Instances).filter(
    ({ State }) => State?.Name !== 'terminated',
  )
}

async function instanceNamed(cloud: Cloud, name: string): Promise<Instance> {
  const instances = await instancesOf(cloud)
  return required(
    instances.find(({ Tags = [] }) => Tags.some(({ Key, Value }) => Key === 'Name' && Value === name)),
  )
}

/** Everything in a region that a removal has to account for. */
async function inventoryOf({ client }: Cloud) {
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

test.serial(
  'four hosts come, a second up changes nothing, drift is repaired, and nothing is left',
  async (t) => {
    t.timeout(120_000)
    const { cloud, folder, text, run, up } = await project(t, 'eu-central-1')
    const before = await inventoryOf(cloud)
    relay.asked.length = 0

    const planned = await run(['up', '--check'])
    await run(['up', '--check', '--image', `resolve:ssm:${amazonLinux('x86_64')}`])
    const afterPlan = await inventoryOf(cloud)
    const made = await up()
    const again = await up()

    t.is(planned.exitCode, 2, planned.stderr)
    t.deepEqual(planned.changed, everything)
    t.deepEqual(afterPlan, before)
    t.is(made.exitCode, 0, made.stderr)
    t.regex(made.stderr, /cost of all that is declared: 0\.1243 USD an hour, 90\.77 a month/)
    t.deepEqual(made.changed, everything)
    t.deepEqual([again.exitCode, again.changed], [0, []])
    const instances = await instancesOf(cloud)
    t.deepEqual(
      instances
        .map(({ PrivateIpAddress, InstanceType, MetadataOptions, Tags = [] }) => [
          PrivateIpAddress,
          InstanceType,
          MetadataOptions?.HttpTokens,
          ...['Name', 'Role', 'Project', 'sluice-stack', 'sluice-part'].map(
            (tag) => Tags.find(({ Key }) => Key === tag)?.Value,
          ),
        ])
        .sort(),
      [
        ['10.0.1.10', 't3.small', 'required', 'vm1', 'kafka', 'shop', 'shop', 'instance vm1'],
        ['10.0.1.11', 't3.small', 'required', 'vm2', 'mongodb', 'shop', 'shop', 'instance vm2'],
        ['10.0.1.12', 't3.small', 'required', 'vm3', 'processor', 'shop', 'shop', 'instance vm3'],
        ['10.0.1.13', 't3.small', 'required', 'vm4', 'producers', 'shop', 'shop', 'instance vm4'],
      ],
    )
    const { Volumes = [] } = await cloud.client.send(new DescribeVolumesCommand({}))
    t.deepEqual(
      Volumes.map(({ Encrypted, Size, VolumeType }) => [Encrypted, Size, VolumeType]),
      Array.from({ length: 4 }, () => [true, 16, 'gp3']),
    )
    const shown = await text(['inventory', 'show', '--refresh'])
    t.regex(shown.stdout, /^203\.0\.113\.7\/32, 2001:db8::\/48 +sg_shop-processor +8080\/tcp$/m)
    t.regex(shown.stdout, /^sg_shop-processor, sg_shop-producers +sg_shop-kafka +9092\/tcp$/m)

    const [vm1, vm2, vm4] = await Promise.all(
      ['vm1', 'vm2', 'vm4'].map(async (name) => required((await instanceNamed(cloud, name)).InstanceId)),
    )
    const groups = await cloud.client.send(new DescribeSecurityGroupsCommand({}))
    const kafka = required(
      groups.SecurityGroups?.find(({ GroupName }) => GroupName === 'shop-kafka')?.GroupId,
    )
    const everybody = { IpProtocol: 'tcp', FromPort: 1, ToPort: 99, IpRanges: [{ CidrIp: '0.0.0.0/0' }] }
    await cloud.client.send(
      new AuthorizeSecurityGroupIngressCommand({ GroupId: kafka, IpPermissions: [everybody] }),
    )
    await cloud.client.send(new StopInstancesCommand({ InstanceIds: [required(vm1)] }))
    await cloud.client.send(
      new ModifyInstanceMetadataOptionsCommand({ InstanceId: vm2, HttpTokens: 'optional' }),
    )
    const ssh = required(groups.SecurityGroups?.find(({ GroupName }) => GroupName === 'shop-ssh')?.GroupId)
    const NetworkInterfaceId = (await instanceNamed(cloud, 'vm3')).NetworkInterfaces?.[0]?.NetworkInterfaceId
    await cloud.client.send(new ModifyNetworkInterfaceAttributeCommand({ NetworkInterfaceId, Groups: [ssh] }))
    await cloud.client.send(
      new CreateTagsCommand({ Resources: [required(vm4)], Tags: [{ Key: 'Role', Value: 'kafka' }] }),
    )
    const ofStack = { Name: 'tag:sluice-stack', Values: ['shop'] }
    const tables = await cloud.client.send(new DescribeRouteTablesCommand({ Filters: [ofStack] }))
    await cloud.client.send(
      new ReplaceRouteCommand({
        RouteTableId: tables.RouteTables?.[0]?.RouteTableId,
        DestinationCidrBlock: '0.0.0.0/0',
        InstanceId: vm1,
      }),
    )
    const drifted = await text(['up', '--check'])
    const repaired = await up()
    const repairedAgain = await up()
    t.is(drifted.exitCode, 2)
    t.regex(drifted.stdout, /ingress rules kafka {2}rule tcp 1-99 from 0\.0\.0\.0\/0 present → absent/)
    t.regex(drifted.stdout, /instance vm1 {2}state stopped → running/)
    t.regex(drifted.stdout, /instance vm2 {2}metadata IMDSv1 too → IMDSv2 only/)
    t.regex(drifted.stdout, /instance vm3 {2}security groups ssh → processor, ssh/)
    t.regex(drifted.stdout, /instance vm4 {2}tag Role kafka → producers/)
    t.regex(drifted.stdout, /route table shop {2}0\.0\.0\.0\/0 i-\w+ → internet gateway/)
    t.is(repaired.exitCode, 0, repaired.stderr)
    t.is(repaired.changed.length, 6)
    t.deepEqual([repairedAgain.exitCode, repairedAgain.changed], [0, []])

    await cloud.client.send(new TerminateInstancesCommand({ InstanceIds: [required(vm4)] }))
    relay.terminated.push(required(vm4))
    const replaced = await up()
    t.deepEqual(replaced.changed, ['instance vm4'])
    t.is((await instancesOf(cloud)).length, 4)

    const toRemove = await run(['destroy', '--check'])
    t.is(toRemove.exitCode, 2, toRemove.stderr)
    t.deepEqual(toRemove.changed.toSorted(), everything.toSorted())
    t.is((await instancesOf(cloud)).length, 4)

    const destroyed = await text(['destroy', '--yes'])
    const nothing = await text(['destroy', '--yes'])
    t.is(destroyed.exitCode, 0, destroyed.stderr)
    t.regex(
      destroyed.stdout,
      /All of it is gone: asked again, nothing is left of what sluice up made for shop/,
    )
    t.deepEqual(await inventoryOf(cloud), before)
    t.deepEqual(await instancesOf(cloud), [])
    t.is(nothing.exitCode, 0)
    t.regex(nothing.stdout, /Nothing to remove/)
    const runs = readdirSync(join(folder, '.sluice', 'runs'))
    t.is(runs.filter((file) => file.endsWith('-up.jsonl')).length, 8)
    t.is(runs.filter((file) => file.endsWith('-destroy.jsonl')).length, 2)
    const asked = [...relay.asked.map(({ action }) => action), ...inventoryActions]
    t.deepEqual([...new Set(asked)].sort(), permittedActions())
  },
)

test.serial(
  'an up that is stopped, killed by lost answers or refused goes on, and nothing is doubled',
  async (t) => {
    t.timeout(120_000)
    const { cloud, up, text, start } = await project(t, 'eu-west-1')
    const before = await inventoryOf(cloud)
    const stopping = start(['up', '--wait', '0', '--verbose'])
    await stopping.said('subnet shop changed')
    stopping.interrupt()
    const stopped = await stopping.ended
    // An answer that is lost makes the SDK ask again: by then there is what was asked for.
    const lost = new Set<string>()
    relay.sever = ({ action, parameters }) => {
      const once = `${action} ${parameters.get('NetworkInterface.1.PrivateIpAddress')}`
      if (action !== 'RunInstances' || lost.has(once)) return false
      lost.add(once)
      return true
    }
    let throttled = 0
    relay.intercept = ({ action }) =>
      action === 'ImportKeyPair' && throttled++ < 2
        ? ec2Error(503, 'RequestLimitExceeded', 'Request limit exceeded.')
        : undefined

    const gone = await up()
    const again = await up()

    t.is(stopped.exitCode, 130)
    t.is(gone.exitCode, 0, gone.stderr)
    t.deepEqual(gone.changed.slice(-5), everything.slice(-5))
    t.true(gone.changed.length < everything.length)
    t.is(lost.size, 4)
    t.is(throttled, 3)
    t.deepEqual([again.exitCode, again.changed], [0, []])
    t.is((await instancesOf(cloud)).length, 4)
    const destroyed = await text(['destroy', '--yes'])
    t.is(destroyed.exitCode, 0, destroyed.stderr)
    t.deepEqual(await inventoryOf(cloud), before)
  },
)

test.serial('a VPC whose answer was lost is there twice; one is used, both are removed', async (t) => {
  const { cloud, up, text } = await project(t, 'eu-west-2')
  const before = await inventoryOf(cloud)
  let severed = false
  relay.sever = ({ action }) => {
    const first = action === 'CreateVpc' && !severed
    severed ||= first
    return first
  }

  const made = await up()
  const vpcs = (await inventoryOf(cloud)).filter((id) => id?.startsWith('vpc-')).length
  const again = await up()
  const destroyed = await text(['destroy', '--yes'])

  t.is(made.exitCode, 0, made.stderr)
  t.is(vpcs, 3)
  t.deepEqual([again.exitCode, again.changed], [0, []])
  t.is(destroyed.exitCode, 0, destroyed.stderr)
  t.deepEqual(await inventoryOf(cloud), before)
})

const refusals: [name: string, answer: [number, string, string], expected: RegExp][] = [
  [
    'a quota that is used up',
    [400, 'VcpuLimitExceeded', 'You have requested more vCPU capacity than your current vCPU limit of 1.'],
    /AWS_QUOTA {2}the account may have no more of this in us-west-1: VcpuLimitExceeded\n {2}at {3}us-west-1 > instances > instance vm1 > RunInstances/,
  ],
  [
    'a zone without capacity',
    [500, 'InsufficientInstanceCapacity', 'We currently do not have sufficient t3.small capacity.'],
    /AWS_CAPACITY {2}AWS has none of this to give in us-west-1 now: InsufficientInstanceCapacity/,
  ],
  [
    'a permission that is missing for a part of the request',
    [
      403,
      'UnauthorizedOperation',
      'You are not authorized to perform this operation. User: arn:aws:iam::1:user/u is not authorized to perform: ec2:CreateTags on resource: *',
    ],
    /AWS_DENIED {2}AWS does not permit ec2:CreateTags\n[\s\S]*run again: it goes on from there/,
  ],
  [
    'a value that AWS does not take',
    [400, 'InvalidParameterValue', 'The architecture is not supported.'],
    /AWS_REFUSED {2}AWS refuses RunInstances: InvalidParameterValue/,
  ],
]

for (const [name, answer, expected] of refusals) {
  test.serial(`${name} is an error that says so, and the next up goes on`, async (t) => {
    const { up, text } = await project(t, 'us-west-1')
    relay.intercept = ({ action }) => (action === 'RunInstances' ? ec2Error(...answer) : undefined)

    const refused = await text(['up', '--wait', '0'], { AWS_MAX_ATTEMPTS: '1' })
    relay.intercept = () => undefined
    const next = await up()
    const destroyed = await text(['destroy', '--yes'])

    t.is(refused.exitCode, 1)
    t.regex(refused.stderr, expected)
    t.deepEqual(next.changed, everything.slice(-4))
    t.is(destroyed.exitCode, 0, destroyed.stderr)
  })
}

test.serial(
  'names that are taken are errors before or where they matter, and what took them stays',
  async (t) => {
    const { cloud, text } = await project(t, 'us-east-2')
    const key = { KeyName: 'shop', PublicKeyMaterial: Buffer.from(publicKey) }
    await cloud.client.send(new ImportKeyPairCommand(key))

    const keyTaken = await text(['up', '--wait', '0'])
    const image = await cloud.image('debian-12-amd64-20260102')
    const namesake = await cloud.instance({ Project: 'shop', Role: 'kafka', Name: 'vm1' }, { image })
    const hostTaken = await text(['up', '--wait', '0'])
    const destroyed = await text(['destroy', '--yes'])

    t.regex(
      keyTaken.stderr,
      /AWS_CONFLICT {2}something that sluice up did not make has this name.*InvalidKeyPair\.Duplicate/,
    )
    t.regex(
      hostTaken.stderr,
      new RegExp(
        `AWS_CONFLICT {2}hosts of the project shop are there that sluice up did not make: ${namesake}`,
      ),
    )
    t.is(destroyed.exitCode, 0, destroyed.stderr)
    t.deepEqual(
      (await instancesOf(cloud)).map(({ InstanceId }) => InstanceId),
      [namesake],
    )
    const { KeyPairs = [] } = await cloud.client.send(new DescribeKeyPairsCommand({}))
    t.deepEqual(
      KeyPairs.map(({ KeyName }) => KeyName),
      ['shop'],
    )
  },
)

test.serial('a removal does not begin while something that is not ours is in the network', async (t) => {
  const { cloud, up, text } = await project(t, 'ap-south-1')
  await up()
  const ofStack = { Name: 'tag:sluice-stack', Values: ['shop'] }
  const { Subnets = [] } = await cloud.client.send(new DescribeSubnetsCommand({ Filters: [ofStack] }))
  const image = await cloud.image('debian-12-amd64-20260102')
  const request = { ImageId: image, MinCount: 1, MaxCount: 1, SubnetId: Subnets[0]?.SubnetId }
  const { Instances = [] } = await cloud.client.send(new RunInstancesCommand(request))
  const foreign = required(Instances[0]?.InstanceId)

  const refused = await text(['destroy', '--yes'])
  const there = await instancesOf(cloud)
  await cloud.client.send(new TerminateInstancesCommand({ InstanceIds: [foreign] }))
  const NetworkInterfaceId = Instances[0]?.NetworkInterfaces?.[0]?.NetworkInterfaceId
  await cloud.client.send(new DeleteNetworkInterfaceCommand({ NetworkInterfaceId }))
  const destroyed = await text(['destroy', '--yes'])

  t.is(refused.exitCode, 1)
  t.regex(
    refused.stderr,
    new RegExp(`AWS_FOREIGN {2}in vpc-\\w+ there is what sluice up did not make: ${foreign}`),
  )
  t.is(there.length, 5)
  t.is(destroyed.exitCode, 0, destroyed.stderr)
})

test.serial(
  'what is declared differently and cannot be changed is an error, what is declared no more stays',
  async (t) => {
    const host = { role: 'kafka' }
    const { cloud, folder, up, text } = await project(t, 'ca-central-1', {
      hosts: { a: host, b: { role: 'mongodb' } },
    })
    await up()

    const bigger = await text(['up', '--wait', '0', '--type', 't3.large'])
    const one = projectFolder(t, {
      'key.pub': publicKey,
      'sluice.config.json': JSON.stringify({
        inventory: 'aws',
        aws: {
          regions: ['ca-central-1'],
          project: 'shop',
          up: { admin: ['203.0.113.7'], publicKey: 'key.pub', hosts: { a: host } },
        },
      }),
    })
    const less = await sluice(one, ['up', '--check'], { ...environment, AWS_ENDPOINT_URL_EC2: relay.url })
    const image = await cloud.image('debian-12-amd64-20260102')
    const tags = {
      Project: 'shop',
      Role: 'kafka',
      Name: 'a',
      'sluice-stack': 'shop',
      'sluice-part': 'instance a',
    }
    await cloud.instance(tags, { image })
    const twice = await text(['up', '--check'])
    const destroyed = await sluice(one, ['destroy', '--yes'], {
      ...environment,
      AWS_ENDPOINT_URL_EC2: relay.url,
    })

    t.regex(
      bigger.stderr,
      /AWS_CONFLICT {2}a \(i-\w+\) is there and is not changed in this: type is t3\.small, should be t3\.large/,
    )
    t.regex(less.stderr, /not declared any more, and left alone: b/)
    t.regex(twice.stderr, /AWS_CONFLICT {2}2 instances carry the tags of a: i-\w+, i-\w+/)
    t.is(destroyed.exitCode, 0, destroyed.stderr)
    t.deepEqual(await instancesOf(cloud), [])
    t.true(existsSync(folder))
  },
)

test.serial(
  'the IAM policy is enough for up and destroy; without one action the error names it',
  async (t) => {
    t.timeout(120_000)
    const { cloud, text } = await project(t, 'sa-east-1')
    const full = withoutConditions()
    const less = structuredClone(full)
    for (const statement of less.Statement) {
      statement.Action = statement.Action.filter((action) => action !== 'ec2:AuthorizeSecurityGroupIngress')
    }
    const [exactUser, lessUser] = [
      await cloud.user('exact', JSON.stringify(full)),
      await cloud.user('less', JSON.stringify(less)),
    ]
    await cloud.requirePermissions()
    t.teardown(() => cloud.requirePermissions(false))

    const refused = await text(['up', '--wait', '0'], lessUser)
    const image = `resolve:ssm:${amazonLinux('x86_64')}`
    const byParameter = await text(['up', '--check', '--image', image], exactUser)
    const made = await text(['up', '--wait', '0'], exactUser)
    const destroyed = await text(['destroy', '--yes'], exactUser)
    const nobody = await text(['up', '--wait', '0'], { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' })

    t.regex(refused.stderr, /AWS_DENIED {2}AWS does not permit ec2:AuthorizeSecurityGroupIngress/)
    t.is(byParameter.exitCode, 2, byParameter.stderr)
    t.is(made.exitCode, 0, made.stderr)
    t.is(destroyed.exitCode, 0, destroyed.stderr)
    t.regex(nobody.stderr, /AWS_CREDENTIALS {2}no credentials for AWS were found/)
  },
)

test.serial('of a stack that has more instances than a page all are priced and removed', async (t) => {
  t.timeout(240_000)
  const { cloud, up, text } = await project(t, 'eu-north-1', { hosts: { k0: { role: 'kafka' } } })
  await up()
  const image = await cloud.image('debian-12-amd64-20260102')
  const tags = { Project: 'shop', Role: 'kafka', 'sluice-stack': 'shop' }
  for (let started = 1; started <= 300; started += 10) {
    const names = Array.from({ length: 10 }, (_, index) => `k${started + index}`)
    await Promise.all(
      names.map((Name) => cloud.instance({ ...tags, Name, 'sluice-part': `instance ${Name}` }, { image })),
    )
  }

  const cost = await text(['cost', '--json'])
  const destroyed = await text(['destroy', '--yes'])

  const { running } = JSON.parse(cost.stdout) as { running: { items: unknown[] } }
  t.is(running.items.length, 301)
  t.is(destroyed.exitCode, 0, destroyed.stderr)
  t.regex(destroyed.stdout, /Done: \d+ resources removed in 1 region/)
  t.deepEqual(await instancesOf(cloud), [])
})

test.serial(
  'images of a release are asked for by the accounts of their makers, for the processor of the type',
  async (t) => {
    const { text } = await project(t, 'eu-south-1')
    relay.asked.length = 0

    const debian = await text(['up', '--wait', '0', '--image', 'debian-12'])
    const ubuntu = await text(['up', '--wait', '0', '--image', 'ubuntu-24.04', '--type', 't4g.small'])
    const destroyed = await text(['destroy', '--yes'])

    const asked = relay.asked.filter(({ action }) => action === 'DescribeImages')
    t.deepEqual(
      asked.map(({ parameters }) => [parameters.get('Owner.1'), parameters.get('Filter.1.Value.1')]),
      [
        ['136693071363', 'debian-12-amd64-2*'],
        ['099720109477', 'ubuntu/images/*ubuntu-noble-24.04-arm64-server-*'],
      ],
    )
    t.regex(debian.stderr, /AWS_REFUSED {2}eu-south-1 has no image debian-12 for t3\.small \(x86_64\)/)
    t.is(ubuntu.exitCode, 1)
    t.is(destroyed.exitCode, 0, destroyed.stderr)
  },
)

test.serial('an image by its SSM parameter is shown as what it is now, and asked for once', async (t) => {
  const { cloud, text, up } = await project(t, 'eu-west-3', {
    image: { ssm: amazonLinux('x86_64') },
    hosts: { a: { role: 'kafka' }, b: { role: 'mongodb' } },
  })
  relay.asked.length = 0

  const planned = await text(['up', '--check'])
  const made = await up()
  const again = await up()

  const [, id] =
    /instance a[\s\S]*?image .*\/al2023-ami-kernel-6\.1-x86_64 \((ami-\w+)\)/.exec(planned.stdout) ?? []
  t.regex(id ?? planned.stdout, /^ami-/)
  t.is(made.exitCode, 0, made.stderr)
  t.deepEqual([again.exitCode, again.changed], [0, []])
  const instances = await instancesOf(cloud)
  t.deepEqual(
    instances.map(({ ImageId }) => ImageId),
    [id, id],
  )
  t.deepEqual(
    relay.asked.flatMap(({ action, region }) => (action === 'GetParameter' ? [region] : [])),
    ['eu-west-3', 'eu-west-3'],
  )
  t.is((await text(['destroy', '--yes'])).exitCode, 0)
})

test.serial(
  'a parameter of SSM that is not there, has another image or may not be read stops up at its beginning',
  async (t) => {
    const { cloud, text } = await project(t, 'eu-south-2')
    const before = await inventoryOf(cloud)
    const upWith = (name: string) => text(['up', '--wait', '0', '--image', `resolve:ssm:${name}`])

    const unknown = await upWith('/aws/service/debian/release/99/latest/amd64')
    const arm = await upWith(amazonLinux('arm64'))
    const region = await upWith('/aws/service/global-infrastructure/regions/eu-west-1/longName')
    const wrong = await upWith('debian 12')
    // The server denies in XML, where SSM speaks JSON.
    relay.intercept = ({ action }) => (action === 'GetParameter' ? ssmDenial : undefined)
    const denied = await upWith(amazonLinux('x86_64'))

    t.regex(
      unknown.stderr,
      /AWS_REFUSED {2}eu-south-2 has no SSM parameter \/aws\/service\/debian\/release\/99/,
    )
    t.regex(unknown.stderr, /do {3}correct it in aws\.up\.image .*get-parameters-by-path/)
    t.regex(
      arm.stderr,
      /AWS_REFUSED {2}eu-south-2 has no image .*arm64 for t3\.small \(x86_64\)[\s\S]*ami-\w+ is for arm64/,
    )
    t.regex(
      region.stderr,
      /AWS_REFUSED {2}the SSM parameter .* should have an ami-…, got "Europe \(Ireland\)"/,
    )
    t.regex(wrong.stderr, /USAGE {2}image\/ssm should be the name of an SSM parameter/)
    t.regex(denied.stderr, /AWS_DENIED {2}AWS does not permit ssm:GetParameter\n[\s\S]*nothing was changed/)
    t.deepEqual(
      [unknown, arm, region, wrong, denied].map(({ exitCode }) => exitCode),
      [1, 1, 1, 64, 1],
    )
    t.deepEqual(await inventoryOf(cloud), before)
  },
)

test.serial(
  'what hosts cost now is asked in every region where they are looked for, and added up',
  async (t) => {
    const regions = ['us-west-2', 'ap-northeast-1', 'sa-east-1']
    const { text } = await project(t, 'us-west-2', {}, regions)
    for (const [index, region] of regions.slice(0, 2).entries()) {
      const cloud = new Cloud(moto.url, region)
      const image = await cloud.image('debian-12-amd64-20260102')
      await cloud.instance({ Project: 'shop', Role: 'kafka', Name: `k${index}` }, { image })
    }

    const { exitCode, stdout, stderr } = await text(['cost'])
    const { stdout: json } = await text(['cost', '--json'])
    relay.intercept = ({ action, region }) =>
      action === 'DescribeInstances' && region === 'ap-northeast-1' ? denial : undefined
    const partly = await text(['cost'])

    t.is(exitCode, 0, stderr)
    t.regex(
      stdout,
      /^plan: not known, prices are those of one region; aws\.up\.region says which of us-west-2, ap-northeast-1/m,
    )
    t.regex(stdout, /^there now in us-west-2\n.*\n {2}k0 +kafka +t3\.small \+ 8 GB gp3/m)
    t.regex(stdout, /^there now in ap-northeast-1\n.*\n {2}k1 +kafka +t3\.small \+ 8 GB gp3/m)
    t.regex(
      stdout,
      /^there now: shop in us-west-2, ap-northeast-1, sa-east-1: [\d.]+ USD an hour.*; nothing is in sa-east-1$/m,
    )
    const { running } = JSON.parse(json) as { running: { hourly: number; regions: { hourly: number }[] } }
    t.is(running.regions.length, 3)
    t.is(
      running.hourly,
      running.regions.reduce((sum, { hourly }) => sum + hourly, 0),
    )
    t.true(running.hourly > 0)
    t.is(partly.exitCode, 0, partly.stderr)
    t.regex(partly.stdout, /^there now: shop in us-west-2, sa-east-1: [\d.]+ USD an hour/m)
    t.regex(
      partly.stdout,
      /^there now: not known, AWS does not permit ec2:DescribeInstances \(ap-northeast-1\)$/m,
    )
  },
)

test.serial('what hosts would cost is said without permission and without AWS, too', async (t) => {
  const { text } = await project(t, 'us-west-2')
  relay.intercept = () => denial
  const nowhere = { AWS_ENDPOINT_URL_EC2: 'http://127.0.0.1:1', AWS_MAX_ATTEMPTS: '1' }

  const denied = await text(['cost'])
  const unreachable = await text(['cost'], nowhere)

  for (const { exitCode, stdout, stderr } of [denied, unreachable]) {
    t.is(exitCode, 0, stderr)
    t.regex(stdout, /^plan: sluice up in us-west-2$/m)
    t.regex(stdout, /^example: four t3\.small in us-east-1: 0\.1102 USD an hour/m)
  }
  t.regex(denied.stdout, /^there now: not known, AWS does not permit ec2:DescribeInstances$/m)
  t.regex(unreachable.stdout, /^there now: not known, AWS did not answer as expected: .*ECONNREFUSED/m)
})

test.serial('without a private key that could log in, up says so before it makes anything', async (t) => {
  const { cloud, folder, text } = await project(t, 'ap-southeast-1')
  const before = await inventoryOf(cloud)
  const nobody = { HOME: folder, SSH_AUTH_SOCK: '' }

  const without = await text(['up'], nobody)
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'key')])
  writeFileSync(join(folder, 'key.pub'), publicKey)
  const another = await text(['up'], nobody)

  t.regex(
    without.stderr,
    /KEY_UNUSABLE {2}there is no key to log in with to aws\n[\s\S]*do {3}name a private key file/,
  )
  t.regex(
    another.stderr,
    /KEY_UNUSABLE {2}the hosts would let in a public key whose private half is not what/,
  )
  t.deepEqual([without.exitCode, another.exitCode], [1, 1])
  t.deepEqual(await inventoryOf(cloud), before)
})

test.serial('what is wrong in the settings is said before AWS is asked', async (t) => {
  const { text } = await project(t, 'eu-west-3', { admin: undefined })
  relay.asked.length = 0

  const noAdmin = await text(['up'])
  const everyType = await text(['up', '--admin', '203.0.113.7', '--type', 'small'])
  const noKey = await text(['up', '--admin', '203.0.113.7', '--public-key', 'missing.pub'])
  const noHosts = await text(['up', '--inventory', 'sluice.config.json'])

  t.regex(noAdmin.stderr, /USAGE {2}nothing says from where the hosts may be logged in to/)
  t.regex(everyType.stderr, /USAGE {2}type should be a type of instance such as t3\.small/)
  t.regex(noKey.stderr, /USAGE {2}there is no public key to let you in with/)
  t.deepEqual(
    [noAdmin, everyType, noKey].map(({ exitCode }) => exitCode),
    [64, 64, 64],
  )
  t.not(noHosts.exitCode, 0)
  t.deepEqual(relay.asked, [])
})
