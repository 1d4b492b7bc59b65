import {
  DeleteNetworkInterfaceCommand,
  DescribeSubnetsCommand,
  RunInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2'
import test from 'ava'
import { documentsOf } from '../../support/json-documents.ts'
import { required } from './cloud.ts'
import { instancesOf, startStacks } from './stack.ts'

const { project } = await startStacks(test)

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

test.serial('of a stack that has more instances than a page all are priced and removed', async (t) => {
  t.timeout(600_000)
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

  const [report] = documentsOf(cost.stdout, 'cost')
  t.is(report?.running?.items.length, 301)
  t.is(destroyed.exitCode, 0, destroyed.stderr)
  t.regex(destroyed.stdout, /Done: \d+ resources removed in 1 region/)
  t.deepEqual(await instancesOf(cloud), [])
})
