import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CreateTagsCommand, StopInstancesCommand, TerminateInstancesCommand } from '@aws-sdk/client-ec2'
import test, { type ExecutionContext } from 'ava'
import type { Inventory } from '../../../engine/inventory.ts'
import { trafficName } from '../../../engine/policy.ts'
import { projectFolder, sluice } from '../../support/cli.ts'
import { inventoryActions, withoutConditions } from './actions.ts'
import { Cloud } from './cloud.ts'
import { type Moto, startMoto } from './moto.ts'
import { consoleAnswer, ec2Error, type Interception, type Relay, startRelay } from './relay.ts'

const { moto, relay } = await cloudApi()
test.after.always(async () => {
  await relay.stop()
  await moto.stop()
})

async function cloudApi(): Promise<{ moto: Moto; relay: Relay }> {
  const moto = await startMoto()
  return { moto, relay: await startRelay(moto.url) }
}

/** A real host key of the kind ed25519. */
const hostKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl'

const consoleText = `-----BEGIN SSH HOST KEY KEYS-----\n${hostKey} root@host\n-----END SSH HOST KEY KEYS-----\n`

const anyCredentials = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' }

/** A project that looks for its hosts in these regions, by way of the relay. */
function project(t: ExecutionContext, aws: object) {
  const folder = projectFolder(t, { 'sluice.config.json': JSON.stringify({ inventory: 'aws', aws }) })
  const run = async (words: string[], environment: Record<string, string> = {}) => {
    const before = relay.asked.length
    const result = await sluice(folder, words, {
      AWS_ENDPOINT_URL_EC2: relay.url,
      AWS_CONFIG_FILE: '/dev/null',
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
      AWS_EC2_METADATA_DISABLED: 'true',
      ...anyCredentials,
      ...environment,
    })
    const asked = relay.asked.slice(before).map(({ action }) => action)
    return { ...result, asked }
  }
  const show = (environment: Record<string, string> = {}, words: string[] = []) =>
    run(['inventory', 'show', '--json', ...words], environment)
  return { folder, run, show }
}

/** Answers in the place of the server until the test ends. */
function intercept(t: ExecutionContext, interception: Interception): void {
  relay.intercept = interception
  t.teardown(() => {
    relay.intercept = () => undefined
  })
}

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
    const { hosts, policy } = JSON.parse(stdout) as Inventory
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

test.serial('300 instances are read page by page, and not again for a moment', async (t) => {
  const cloud = new Cloud(moto.url, 'eu-west-1')
  const image = await cloud.image('debian-12-amd64')
  const group = await cloud.securityGroup('kafka')
  await cloud.allow(group, {
    IpProtocol: 'tcp',
    FromPort: 22,
    ToPort: 22,
    IpRanges: [{ CidrIp: '10.0.0.0/8' }],
  })
  // In pages there are launches, so each instance has its own.
  for (let started = 0; started < 300; started += 10) {
    await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        cloud.instance(
          { Project: 'big', Role: 'kafka', Name: `k${started + index}` },
          { image, groups: [group] },
        ),
      ),
    )
  }
  intercept(t, ({ action, parameters }) =>
    action === 'GetConsoleOutput'
      ? consoleAnswer(parameters.get('InstanceId') ?? '', consoleText)
      : undefined,
  )
  const { show } = project(t, { regions: ['eu-west-1'], project: 'big' })

  const first = await show()
  const second = await show()
  const refreshed = await show({}, ['--refresh'])

  t.is(first.exitCode, 0, first.stderr)
  const { hosts } = JSON.parse(first.stdout) as Inventory
  t.is(new Set(hosts.map(({ name }) => name)).size, 300)
  t.true(hosts.every(({ user }) => user === 'admin'))
  t.is(first.asked.filter((action) => action === 'DescribeInstances').length, 3)
  t.is(first.asked.filter((action) => action === 'GetConsoleOutput').length, 300)
  t.deepEqual(second.asked, [])
  t.is(second.stdout, first.stdout)
  t.is(refreshed.asked.filter((action) => action === 'DescribeInstances').length, 3)
  t.false(refreshed.asked.includes('GetConsoleOutput'))
})

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

test.serial('a run that changes hosts asks which there are now; one that only looks need not', async (t) => {
  const cloud = new Cloud(moto.url, 'eu-west-3')
  const image = await cloud.image('debian-12-amd64')
  intercept(t, ({ action, parameters }) =>
    action === 'GetConsoleOutput'
      ? consoleAnswer(parameters.get('InstanceId') ?? '', consoleText)
      : undefined,
  )
  const { run } = project(t, { regions: ['eu-west-3'], project: 'moving', address: 'private' })
  const launch = (name: string) => cloud.instance({ Project: 'moving', Role: 'kafka', Name: name }, { image })
  const first = await launch('vm1')
  const hostsIn = (text: string) =>
    text.split('\n').flatMap((line) => (line.startsWith('vm') ? line.slice(0, 3) : []))

  const shown = await run(['inventory', 'show'])
  await launch('vm2')
  await cloud.client.send(new TerminateInstancesCommand({ InstanceIds: [first] }))
  const checked = await run(['harden', '--check', '--timeout', '1', '--json'])
  const hardened = await run(['harden', '--timeout', '1', '--json'])
  const shownAgain = await run(['inventory', 'show'])

  t.deepEqual(hostsIn(shown.stdout), ['vm1'])
  t.deepEqual(checked.asked, [])
  t.true(checked.stdout.includes('"vm1"'))
  t.true(hardened.asked.includes('DescribeInstances'))
  t.true(hardened.stdout.includes('"vm2"'), hardened.stdout + hardened.stderr)
  t.false(hardened.stdout.includes('"vm1"'))
  t.deepEqual(hostsIn(shownAgain.stdout), ['vm2'])
  t.deepEqual(shownAgain.asked, [])
})

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

test.serial(
  'too many requests for good, a region that is not open, no network and no region are errors',
  async (t) => {
    const answers: Record<string, ReturnType<Interception>> = {
      'eu-south-1': ec2Error(400, 'OptInRequired', 'You are not subscribed to this service.'),
      'eu-south-2': ec2Error(503, 'RequestLimitExceeded', 'Request limit exceeded.'),
    }
    intercept(t, ({ region }) => answers[region])

    const refused = await project(t, { regions: ['eu-south-1'] }).show()
    const busy = await project(t, { regions: ['eu-south-2'] }).show({ AWS_MAX_ATTEMPTS: '2' })
    const silent = await project(t, {}).show({
      AWS_REGION: 'eu-north-1',
      AWS_ENDPOINT_URL_EC2: 'http://127.0.0.1:1',
      AWS_MAX_ATTEMPTS: '1',
    })
    const nowhere = await project(t, {}).show({ AWS_REGION: '', AWS_DEFAULT_REGION: '' })

    t.regex(refused.stderr, /AWS_UNAVAILABLE {2}.*\n.*eu-south-1 > DescribeInstances\n.*OptInRequired/)
    t.regex(busy.stderr, /AWS_UNAVAILABLE {2}AWS went on refusing requests/)
    t.is(busy.asked.length, 2)
    t.regex(silent.stderr, /AWS_UNAVAILABLE {2}.*\n.*eu-north-1 > DescribeInstances\n.*ECONNREFUSED/)
    t.is(nowhere.exitCode, 64)
    t.regex(nowhere.stderr, /nothing says in which region of AWS/)
  },
)

test.serial(
  'credentials and permissions: none, wrong ones, too few, and exactly those of the IAM policy',
  async (t) => {
    const region = 'ap-south-1'
    const cloud = new Cloud(moto.url, region)
    await cloud.instance(
      { Project: 'guarded', Role: 'kafka', Name: 'vm1' },
      { image: await cloud.image('debian-12-amd64') },
    )
    const full = withoutConditions()
    const lessConsole = structuredClone(full)
    for (const statement of lessConsole.Statement) {
      statement.Action = statement.Action.filter((action) => action !== 'ec2:GetConsoleOutput')
    }
    const [none, less, exact] = [
      await cloud.user('none', undefined),
      await cloud.user('less', JSON.stringify(lessConsole)),
      await cloud.user('exact', JSON.stringify(full)),
    ]
    await cloud.requirePermissions()
    t.teardown(() => cloud.requirePermissions(false))
    const { show } = project(t, { regions: [region], project: 'guarded' })

    const noCredentials = await show({ AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' })
    const wrongKey = await show({ AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE' })
    const wrongSecret = await show({ ...exact, AWS_SECRET_ACCESS_KEY: 'wrong' })
    const denied = await show(none)
    const deniedLater = await show(less)
    const permitted = await show(exact)

    t.regex(noCredentials.stderr, /AWS_CREDENTIALS {2}no credentials for AWS were found/)
    for (const { stderr } of [wrongKey, wrongSecret]) {
      t.regex(stderr, /AWS_CREDENTIALS {2}AWS does not take the credentials/)
    }
    t.regex(denied.stderr, /AWS_DENIED {2}AWS does not permit ec2:DescribeInstances\n {2}at {3}ap-south-1/)
    t.regex(deniedLater.stderr, /AWS_DENIED {2}AWS does not permit ec2:GetConsoleOutput/)
    t.is(permitted.exitCode, 0, permitted.stderr)
  },
)

test.serial('a profile brings the credentials and the region', async (t) => {
  const cloud = new Cloud(moto.url, 'ca-central-1')
  await cloud.instance(
    { Project: 'profiled', Role: 'kafka', Name: 'vm1' },
    { image: await cloud.image('debian-12-amd64') },
  )
  const { folder, show } = project(t, { project: 'profiled', profile: 'pipeline' })
  const files = {
    AWS_CONFIG_FILE: join(folder, 'config'),
    AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials'),
  }
  const nothingSet = { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' }
  writeFileSync(files.AWS_CONFIG_FILE, '[profile pipeline]\nregion = ca-central-1\n')
  writeFileSync(
    files.AWS_SHARED_CREDENTIALS_FILE,
    '[pipeline]\naws_access_key_id = test\naws_secret_access_key = test\n',
  )

  const found = await show({ ...nothingSet, ...files })
  const another = await show({ ...nothingSet, AWS_CONFIG_FILE: files.AWS_CONFIG_FILE })

  t.is(found.exitCode, 0, found.stderr)
  const { hosts } = JSON.parse(found.stdout) as Inventory
  t.deepEqual(
    hosts.map(({ name, groups }) => [name, groups.includes('zone_ca-central-1a')]),
    [['vm1', true]],
  )
  t.regex(another.stderr, /AWS_CREDENTIALS {2}/)
})
