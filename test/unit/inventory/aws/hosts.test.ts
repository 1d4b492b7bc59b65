import test from 'ava'
import * as v from 'valibot'
import { SluiceError } from '../../../../engine/errors.ts'
import { Host } from '../../../../engine/inventory.ts'
import { chosenInstances, hostsOf } from '../../../../inventory/aws/hosts.ts'
import { groupWith, instanceWith, observationWith, settingsWith } from './cloud.ts'

test('an instance becomes a host with its role, security group, tags, zone and type as groups', (t) => {
  const instance = instanceWith({
    groups: ['sg-1'],
    addresses: ['10.0.1.10', '10.0.1.20', '2001:db8::10'],
    tags: { Role: 'kafka zookeeper', Name: 'vm 1', Env: 'prod', 'aws:autoscaling:groupName': 'x' },
  })

  const [host] = hostsOf([instance], observationWith({ securityGroups: [groupWith({})] }), settingsWith())

  t.deepEqual(host, {
    name: 'vm-1',
    address: '10.0.1.10',
    port: 22,
    user: 'ubuntu',
    hostKeys: [],
    privateAddresses: ['10.0.1.10', '10.0.1.20', '2001:db8::10'],
    groups: [
      'kafka',
      'zookeeper',
      'sg_kafka',
      'tag_Role_kafka-zookeeper',
      'tag_Env_prod',
      'zone_eu-central-1a',
      'type_t3.small',
    ],
    variables: {},
  })
  t.true(v.is(Host, host))
})

test('instances that are called the same have their identifiers in their names', (t) => {
  const instances = [
    instanceWith({ id: 'i-1' }),
    instanceWith({ id: 'i-2' }),
    instanceWith({ id: 'i-3', tags: {} }),
  ]

  const hosts = hostsOf(instances, observationWith({}), settingsWith())

  t.deepEqual(
    hosts.map(({ name }) => name),
    ['vm1-i-1', 'vm1-i-2', 'i-3'],
  )
})

test('security groups that are called the same are groups of their own', (t) => {
  const securityGroups = [groupWith({ id: 'sg-1' }), groupWith({ id: 'sg-2' })]

  const [host] = hostsOf(
    [instanceWith({ groups: ['sg-2'] })],
    observationWith({ securityGroups }),
    settingsWith(),
  )

  t.true(host?.groups.includes('sg_kafka-sg-2'))
})

test('tags under the prefix are variables, read as YAML', (t) => {
  const tags = {
    'sluice:kafka.heapMb': '512',
    'sluice:kafka.log.dirs': '[/a, /b]',
    'sluice:base.timezone': 'Europe/Berlin',
  }

  const [host] = hostsOf([instanceWith({ tags })], observationWith({}), settingsWith())

  t.deepEqual(host?.variables, {
    kafka: { heapMb: 512, log: { dirs: ['/a', '/b'] } },
    base: { timezone: 'Europe/Berlin' },
  })
  t.false(host?.groups.some((group) => group.includes('heapMb')))
})

for (const [tag, value] of [
  ['sluice:heapMb', '512'],
  ['sluice:kafka.heapMb', '[1'],
] as const) {
  test(`the tag ${tag} with ${value} is an error that names the instance and the tag`, (t) => {
    const error = t.throws(
      () => hostsOf([instanceWith({ tags: { [tag]: value } })], observationWith({}), settingsWith()),
      {
        instanceOf: SluiceError,
      },
    )

    t.is(error.code, 'INVENTORY_INVALID')
    t.is(error.at, `i-1 > tag ${tag}`)
  })
}

test('SSH goes to the public address where there is one, unless the private one is wanted', (t) => {
  const addressOf = (publicAddress: string | undefined, address?: 'public' | 'private') => {
    const instance = instanceWith(publicAddress === undefined ? {} : { publicAddress })
    const settings = settingsWith(address === undefined ? {} : { address })
    return hostsOf([instance], observationWith({}), settings)[0]?.address
  }

  t.is(addressOf('192.0.2.1'), '192.0.2.1')
  t.is(addressOf(undefined), '10.0.1.10')
  t.is(addressOf('192.0.2.1', 'private'), '10.0.1.10')
  t.throws(() => addressOf(undefined, 'public'), { message: /i-1 has no public address/ })
})

test('the login user is told from the image, unless it is said', (t) => {
  const userOf = (image: string | undefined, user?: string) => {
    const images: Record<string, string> = image === undefined ? {} : { 'ami-1': image }
    const settings = settingsWith(user === undefined ? {} : { user })
    return hostsOf([instanceWith({})], observationWith({ images }), settings)[0]?.user
  }

  t.is(userOf('ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-arm64-server-20260101'), 'ubuntu')
  t.is(userOf('debian-12-amd64-20260101-1'), 'admin')
  t.is(userOf('our-golden-image', 'deploy'), 'deploy')
  t.throws(() => userOf('our-golden-image'), { message: /cannot be told from its image, ami-1/ })
  t.throws(() => userOf(undefined), { message: /cannot be told/ })
})

for (const role of ['all', 'admin', 'sg_kafka', 'a/b']) {
  test(`the role "${role}" is an error`, (t) => {
    const instance = instanceWith({ tags: { Role: role } })

    const error = t.throws(() => hostsOf([instance], observationWith({}), settingsWith()), {
      instanceOf: SluiceError,
    })

    t.is(error.at, 'i-1 > tag Role')
  })
}

test('instances without a role and terminated ones are left alone', (t) => {
  const instances = [
    instanceWith({ id: 'i-1' }),
    instanceWith({ id: 'i-2', tags: { Project: 'sluice' } }),
    instanceWith({ id: 'i-3', state: 'terminated' }),
  ]

  const chosen = chosenInstances(observationWith({ instances }), settingsWith())

  t.deepEqual(
    chosen.map(({ id }) => id),
    ['i-1'],
  )
})

test('without a match, the error says what was looked for and what was there', (t) => {
  const seen = ['i-9 in eu-central-1, running, Project=shop Role=web']
  const settings = settingsWith({ filter: { Env: 'prod' } })

  const error = t.throws(() => chosenInstances(observationWith({ seen }), settings), {
    instanceOf: SluiceError,
  })

  t.is(error.code, 'INSTANCE_MISSING')
  t.is(error.subject, 'no instance has the tags Project=sluice, Env=prod and Role')
  t.is(error.why, 'there are: i-9 in eu-central-1, running, Project=shop Role=web')
})

for (const state of ['pending', 'stopping', 'stopped', 'shutting-down']) {
  test(`an instance that is ${state} is an error that names it`, (t) => {
    const instances = [instanceWith({ id: 'i-1' }), instanceWith({ id: 'i-2', state })]

    const error = t.throws(() => chosenInstances(observationWith({ instances }), settingsWith()), {
      instanceOf: SluiceError,
    })

    t.is(error.code, 'INSTANCE_NOT_RUNNING')
    t.is(error.subject, `not running: vm1 (i-2) is ${state}`)
  })
}
