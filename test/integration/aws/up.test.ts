import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import {
  AuthorizeSecurityGroupIngressCommand,
  CreateTagsCommand,
  DescribeRouteTablesCommand,
  DescribeSecurityGroupsCommand,
  DescribeVolumesCommand,
  type Instance,
  ModifyInstanceMetadataOptionsCommand,
  ModifyNetworkInterfaceAttributeCommand,
  ReplaceRouteCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2'
import test from 'ava'
import { inventoryActions, permittedActions } from './actions.ts'
import { type Cloud, required } from './cloud.ts'
import { ec2Error } from './relay.ts'
import { amazonLinux, everything, instancesOf, inventoryOf, startStacks } from './stack.ts'

const { relay, project } = await startStacks(test)

async function instanceNamed(cloud: Cloud, name: string): Promise<Instance> {
  const instances = await instancesOf(cloud)
  return required(
    instances.find(({ Tags = [] }) => Tags.some(({ Key, Value }) => Key === 'Name' && Value === name)),
  )
}

test.serial(
  'four hosts come, a second up changes nothing, drift is repaired, and nothing is left',
  async (t) => {
    t.timeout(600_000)
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
    t.timeout(600_000)
    const { cloud, up, text, start } = await project(t, 'eu-west-1')
    const before = await inventoryOf(cloud)
    // It is held in the middle of a step until it has heard that it is to stop.
    let interrupted = false
    relay.intercept = async ({ action }) => {
      if (action !== 'CreateRouteTable' || interrupted) return undefined
      interrupted = true
      stopping.interrupt()
      await stopping.said('Stopping')
      return undefined
    }
    const stopping = start(['up', '--wait', '0'])
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
    t.deepEqual(gone.changed, everything.slice(everything.indexOf('route table')))
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
