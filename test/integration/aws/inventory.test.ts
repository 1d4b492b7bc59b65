import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CreateTagsCommand, StopInstancesCommand } from '@aws-sdk/client-ec2'
import test from 'ava'
import type { Inventory } from '../../../engine/inventory.ts'
import { trafficName } from '../../../engine/policy.ts'
import { documentsOf } from '../../support/json-documents.ts'
import { inventoryActions } from './actions.ts'
import { Cloud } from './cloud.ts'
import { consoleText, hostKey, startInventories } from './found-hosts.ts'
import { consoleAnswer, ec2Error } from './relay.ts'

const { moto, project, intercept } = await startInventories(test)

test.serial(
  'groups, variables, host keys and the policy come from tags, consoles and security groups',
  async (t) => {
    const cloud = new Cloud(moto.url, 'eu-central-1')
    const image = await cloud.image('ubuntu-noble-24.04-amd64-server')
    const [kafka, processor, balancer] = await Promise.all(
      ['kafka', 'processor', 'balancer'].map((name) => cloud.securityGroup(name)),
    )
    if (kafka === undefined || processor === undefined || balancer === undefined) return t.fail()
    const outside = await cloud.networkInterface([balancer])
    const prefixList = await cloud.prefixList(['192.0.2.0/24', '198.51.100.0/24'])
    await cloud.allow(
      kafka,
      {
        IpProtocol: 'tcp',
        FromPort: 9092,
        ToPort: 9093,
        UserIdGroupPairs: [{ GroupId: processor }, { GroupId: kafka }],
      },
      { IpProtocol: 'tcp', FromPort: 22, ToPort: 22, Ipv6Ranges: [{ CidrIpv6: '2001:db8::/32' }] },
      { IpProtocol: 'icmp', FromPort: 8, ToPort: -1, IpRanges: [{ CidrIp: '10.0.0.0/8' }] },
    )
    await cloud.allow(
      processor,
      { IpProtocol: 'tcp', FromPort: 8080, ToPort: 8080, UserIdGroupPairs: [{ GroupId: balancer }] },
      { IpProtocol: 'tcp', FromPort: 22, ToPort: 22, IpRanges: [{ CidrIp: '0.0.0.0/0' }] },
      { IpProtocol: 'tcp', FromPort: 8443, ToPort: 8443, PrefixListIds: [{ PrefixListId: prefixList }] },
    )
    const tags = { Project: 'shop', 'sluice:kafka.heapMb': '512' }
    const vm1 = await cloud.instance({ ...tags, Role: 'kafka', Name: 'vm1' }, { image, groups: [kafka] })
    await cloud.instance({ ...tags, Role: 'processor', Name: 'vm3' }, { image, groups: [processor] })
    await cloud.instance({ Project: 'another', Role: 'web' }, { image, groups: [processor] })
    intercept(t, ({ action, parameters }) => {
      const isAsked = action === 'GetConsoleOutput' && parameters.get('InstanceId') === vm1
      if (isAsked) return consoleAnswer(vm1, consoleText)
      // As of instances that only have what was recorded when they started.
      return parameters.get('Latest') === 'true' ? ec2Error(400, 'UnsupportedOperation', 'No.') : undefined
    })
    const { folder, show } = project(t, { regions: ['eu-central-1'], project: 'shop' })

    const { exitCode, stdout, stderr, asked } = await show()

    t.is(exitCode, 0, stderr)
    const [document] = documentsOf(stdout, 'inventory')
    if (document === undefined) throw new Error(stdout)
    const { hosts, policy } = document
    const other = await cloud.addressOf('another')
    t.deepEqual(
      hosts.map(({ name, user, groups, variables }) => [name, user, groups.slice(0, 2), variables]),
      [
        ['vm1', 'ubuntu', ['kafka', 'sg_kafka'], { kafka: { heapMb: 512 } }],
        ['vm3', 'ubuntu', ['processor', 'sg_processor'], { kafka: { heapMb: 512 } }],
      ],
    )
    t.deepEqual(
      policy.rules
        .map((rule) => `${[...rule.from].sort().join(' ')} > ${rule.to} ${trafficName(rule)}`)
        .sort(),
      [
        `0.0.0.0/0 > sg_processor 22/tcp`,
        `192.0.2.0/24 198.51.100.0/24 > sg_processor 8443/tcp`,
        `2001:db8::/32 > sg_kafka 22/tcp`,
        `10.0.0.0/8 > sg_kafka icmp 8`,
        `${outside}/32 > sg_processor 8080/tcp`,
        `${[`${other}/32`, 'sg_kafka', 'sg_processor'].sort().join(' ')} > sg_kafka 9092-9093/tcp`,
      ].sort(),
    )
    t.regex(stderr, /wider than needed: sg_processor lets 0\.0\.0\.0\/0 reach 22\/tcp/)
    t.regex(stderr, /wider than needed: sg_kafka lets 10\.0\.0\.0\/8 reach icmp 8/)
    t.regex(stderr, /no host keys on the console, yet or any more: vm3/)
    t.is(
      readFileSync(join(folder, '.sluice', 'known_hosts'), 'utf8'),
      `${hosts[0]?.address} ${hostKey} ${vm1}\n`,
    )
    t.deepEqual([...new Set(asked)].sort(), inventoryActions)
  },
)

test.serial(
  'hosts that have no public address are behind the bastion, whose key is pinned too',
  async (t) => {
    const cloud = new Cloud(moto.url, 'eu-west-2')
    const image = await cloud.image('debian-12-amd64')
    const [kafka, door] = await Promise.all(['kafka', 'door'].map((name) => cloud.securityGroup(name)))
    if (kafka === undefined || door === undefined) return t.fail()
    await cloud.allow(kafka, {
      IpProtocol: 'tcp',
      FromPort: 22,
      ToPort: 22,
      UserIdGroupPairs: [{ GroupId: door }],
    })
    const tags = { Project: 'inner' }
    const vm1 = await cloud.instance({ ...tags, Role: 'kafka', Name: 'vm1' }, { image, groups: [kafka] })
    const bastion = await cloud.instance(
      { ...tags, Role: 'bastion', Name: 'door' },
      { image, groups: [door] },
    )
    intercept(t, ({ action, parameters }) =>
      action === 'GetConsoleOutput'
        ? consoleAnswer(parameters.get('InstanceId') ?? '', consoleText)
        : undefined,
    )
    const { folder, show } = project(t, { regions: ['eu-west-2'], project: 'inner', address: 'bastion' })

    const { exitCode, stdout, stderr } = await show()

    t.is(exitCode, 0, stderr)
    const { hosts, policy } = JSON.parse(stdout) as Inventory
    const [host] = hosts
    t.deepEqual(
      hosts.map(({ name, jump }) => [name, jump?.name, jump?.user]),
      [['vm1', 'door', 'admin']],
    )
    t.deepEqual(host?.privateAddresses, [host?.address])
    t.deepEqual(
      policy.rules.map(({ from }) => from),
      [[`${host?.jump?.privateAddresses[0]}/32`]],
    )
    const records = readFileSync(join(folder, '.sluice', 'known_hosts'), 'utf8')
    t.is(records, `${host?.address} ${hostKey} ${vm1}\n${host?.jump?.address} ${hostKey} ${bastion}\n`)

    // With another role it is a host as well, by the same way in, and known already.
    const Tags = [{ Key: 'Role', Value: 'bastion,door' }]
    await cloud.client.send(new CreateTagsCommand({ Resources: [bastion], Tags }))
    const both = JSON.parse((await show({}, ['--refresh'])).stdout) as Inventory
    t.deepEqual(both.hosts.map(({ name, address, jump }) => [name, address, jump?.name]).sort(), [
      ['door', host?.jump?.address, undefined],
      ['vm1', host?.address, 'door'],
    ])
    t.is(readFileSync(join(folder, '.sluice', 'known_hosts'), 'utf8'), records)
  },
)

test.serial('several regions are one inventory, and refused requests are sent again', async (t) => {
  for (const region of ['us-east-2', 'us-west-2']) {
    const cloud = new Cloud(moto.url, region)
    await cloud.instance(
      { Project: 'wide', Role: 'kafka', Name: 'k' },
      { image: await cloud.image('debian-12-amd64') },
    )
  }
  let refusals = 0
  intercept(t, ({ action, region }) =>
    action === 'DescribeInstances' && region === 'us-west-2' && refusals++ < 2
      ? ec2Error(503, 'RequestLimitExceeded', 'Request limit exceeded.')
      : undefined,
  )
  const { show } = project(t, { regions: ['us-east-2', 'us-west-2'], project: 'wide' })

  const { exitCode, stdout, stderr } = await show()

  t.is(exitCode, 0, stderr)
  const { hosts } = JSON.parse(stdout) as Inventory
  t.deepEqual(
    hosts.map(({ name, groups }) => [/^k-i-/.test(name), groups.find((group) => group.startsWith('zone_'))]),
    [
      [true, 'zone_us-east-2a'],
      [true, 'zone_us-west-2a'],
    ],
  )
  t.is(refusals, 3)
})

test.serial(
  'an instance that is stopped, and none that matches, are said; the next look is a new one',
  async (t) => {
    const cloud = new Cloud(moto.url, 'eu-north-1')
    const image = await cloud.image('debian-12-amd64')
    const { show } = project(t, { regions: ['eu-north-1'], project: 'idle' })
    await cloud.instance({ Project: 'other', Role: 'web', Name: 'w1' }, { image })

    const missing = await show()
    const id = await cloud.instance({ Project: 'idle', Role: 'kafka', Name: 'vm1' }, { image })
    const found = await show()
    await cloud.client.send(new StopInstancesCommand({ InstanceIds: [id] }))
    const stopped = await show({}, ['--refresh'])

    t.is(missing.exitCode, 1)
    t.regex(missing.stderr, /INSTANCE_MISSING {2}no instance has the tags Project=idle and Role/)
    t.regex(missing.stderr, /in eu-north-1, running, Name=w1 Role=web Project=other/)
    t.is(found.exitCode, 0, found.stderr)
    t.is(stopped.exitCode, 1)
    t.regex(
      stopped.stderr,
      new RegExp(`INSTANCE_NOT_RUNNING {2}not running: vm1 \\(${id}\\) is stopp(ed|ing)`),
    )
  },
)
