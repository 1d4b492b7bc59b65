import test from 'ava'
import { SluiceError } from '../../../engine/errors.ts'
import type { Facts } from '../../../engine/facts.ts'
import type { Host, Inventory } from '../../../engine/inventory.ts'
import { type Resource, resourceName } from '../../../engine/resource.ts'
import type { Role, RoleContext } from '../../../engine/role.ts'
import { base } from '../../../roles/base.ts'
import { heapMb } from '../../../roles/java.ts'
import { kafka } from '../../../roles/kafka/kafka.ts'
import { kafkaTopics } from '../../../roles/kafka/topics.ts'
import { mongodb } from '../../../roles/mongodb/mongodb.ts'
import { processor } from '../../../roles/processor.ts'
import { producer } from '../../../roles/producer.ts'
import { zookeeper } from '../../../roles/zookeeper.ts'
import { pipelineContext } from '../../support/role-context.ts'

const host = (name: string, group: string, address: string): Host => ({
  name,
  address: '192.0.2.1',
  port: 22,
  user: 'admin',
  hostKeys: [],
  privateAddresses: ['fd77::10', address],
  groups: [group],
  variables: {},
})

const hosts = [
  host('vm1', 'kafka', '10.0.1.10'),
  host('vm2', 'mongodb', '10.0.1.11'),
  host('vm3', 'processor', '10.0.1.12'),
  host('vm4', 'producers', '10.0.1.13'),
]
const inventory: Inventory = {
  name: 'test',
  hosts,
  variables: {},
  groupVariables: {},
  policy: { admin: [], rules: [] },
}

const machine: Facts = {
  hostname: 'vm',
  distribution: 'debian',
  release: '12',
  architecture: 'amd64',
  processors: 2,
  memoryMb: 2048,
  container: false,
  clientAddress: '192.0.2.9',
}

function resourcesOf(
  role: Role,
  hostName: string,
  variables: unknown = {},
  facts: Partial<Facts> = {},
): Resource[] {
  const found = hosts.find(({ name }) => name === hostName)
  if (found === undefined) throw new TypeError(`no host ${hostName}`)
  const context: RoleContext = {
    host: found,
    facts: { ...machine, ...facts },
    inventory,
    group: (name) => hosts.filter(({ groups }) => groups.includes(name)),
    paramsOf: (other, { name }) => other.read({}, name),
  }
  return role.resources(variables, context)
}

/** What a resource would put into a file or unit: all texts of its diff against nothing. */
const texts = (resources: Resource[], id: string) =>
  resources
    .filter((resource) => resource.id === id)
    .flatMap((resource) => resource.diff(undefined))
    .map(({ text }) => text?.want ?? '')
    .join('\n')

test('Kafka takes its heap from the memory of the host, within bounds, unless it is told', (t) => {
  const unit = (variables: unknown, memoryMb: number) =>
    texts(resourcesOf(kafka, 'vm1', variables, { memoryMb }), 'kafka.service')

  t.regex(unit({}, 2048), /-Xmx819m/)
  t.regex(unit({ heapMb: 300 }, 2048), /-Xmx300m/)
  t.deepEqual([heapMb(256, 0.4, [256, 6144]), heapMb(65_536, 0.4, [256, 6144])], [256, 6144])
})

for (const [variable, role, host, params] of [
  ['kafka.heapMb', kafka, 'vm1', (mb: number) => ({ heapMb: mb })],
  ['zookeeper.heapMb', zookeeper, 'vm1', (mb: number) => ({ heapMb: mb })],
  ['mongodb.cacheGb', mongodb, 'vm2', (mb: number) => ({ cacheGb: mb / 1024 })],
  ['processor.heapMb', processor, 'vm3', (mb: number) => ({ heapMb: mb })],
] as const) {
  test(`${variable} leaves the host a fifth of its memory, or is refused with less than that`, (t) => {
    const declare = (mb: number, memoryMb: number) => () =>
      role.require(params(mb), pipelineContext(host, { facts: { memoryMb } }))

    t.notThrows(declare(1024, 1963))
    t.notThrows(declare(512, 1024))
    // A host that came back with a little less than what was advised.
    t.notThrows(declare(3072, 4064))
    t.throws(declare(3584, 4096), {
      message: `VARIABLE_INVALID  ${variable} is 3584 MB, and ${host} has 4096 MB of memory in all`,
    })
    t.is(
      t.throws(declare(900, 1000), { instanceOf: SluiceError })?.advice?.split(',')[0],
      'give it at most 704 MB',
    )
  })
}

test('what a program of ours leaks ends it, and not its host', (t) => {
  t.regex(texts(resourcesOf(processor, 'vm3', { heapMb: 300 }), 'processor.service'), /\nMemoryMax=856M\n/)
  t.regex(texts(resourcesOf(producer, 'vm4'), 'producer@.service'), /\nMemoryMax=512M\n/)
})

test('a host whose clock somebody chose a daemon for gets no other', (t) => {
  const time = (facts: Partial<Facts>) =>
    resourcesOf(base, 'vm1', {}, facts)
      .map(resourceName)
      .filter((name) => name.includes('timesyncd'))

  t.is(time({}).length, 2)
  t.deepEqual(time({ timeDaemon: 'chronyd' }), [])
  t.deepEqual(time({ container: true }), [])
})

test('clients are given the private IPv4 addresses of the services', (t) => {
  t.regex(
    texts(resourcesOf(processor, 'vm3'), '/etc/sluice/processor.env'),
    /KAFKA_BOOTSTRAP="10\.0\.1\.10:9092"/,
  )
  t.regex(
    texts(resourcesOf(processor, 'vm3'), '/etc/sluice/processor.env'),
    /MONGODB_URI="mongodb:\/\/10\.0\.1\.11:27017\/ca0"/,
  )
})

test('there are as many producers as are asked for, each an instance of one unit', (t) => {
  const units = (instances: number) =>
    resourcesOf(producer, 'vm4', { instances })
      .map(resourceName)
      .filter((name) => name.startsWith('unit'))

  t.deepEqual(units(2), ['unit producer@.service', 'unit producer@1.service', 'unit producer@2.service'])
  t.deepEqual(units(0), ['unit producer@.service'])
})

test('what waits for Kafka has a directory an instance, and stays where data is kept', (t) => {
  const resources = resourcesOf(producer, 'vm4', { spoolMb: 64 })
  const unit = JSON.stringify(resources.find(({ id }) => id === 'producer@.service')?.diff(undefined))

  t.regex(unit, /StateDirectory=sluice-producer\/%i\\n/)
  t.regex(unit, /SPOOL_DIR=\/var\/lib\/sluice-producer\/%i\/spool/)
  t.regex(unit, /ProtectSystem=strict/)
  t.true(resources.find(({ id }) => id === '/var/lib/sluice-producer')?.holdsData)
})

test('only a producer that reads GPUs may use their devices, and brings what NVML is called by', (t) => {
  const of = (source: string) => resourcesOf(producer, 'vm4', { source })
  const text = (source: string) => JSON.stringify(of(source).map((resource) => resource.diff(undefined)))

  t.regex(text('seed'), /PrivateDevices=yes/)
  t.notRegex(text('seed'), /DeviceAllow|NVML_BINDING/)
  t.regex(text('nvidia-smi'), /DevicePolicy=closed\\nDeviceAllow=char-nvidia\* rw/)
  t.notRegex(text('nvidia-smi'), /PrivateDevices|NVML_BINDING/)
  t.regex(text('auto'), /NVML_BINDING=.*\/opt\/sluice\/koffi\/current\/linux_x64\/koffi\.node/)
  t.deepEqual(
    ['seed', 'nvidia-smi', 'nvml', 'auto'].map((source) =>
      of(source).some((resource) => resourceName(resource).includes('koffi')),
    ),
    [false, false, true, true],
  )
})

test('in a container the clock and huge pages are left alone', (t) => {
  const names = (role: Role, hostName: string, container: boolean) =>
    resourcesOf(role, hostName, {}, { container }).map(resourceName).join()

  t.regex(names(base, 'vm1', false), /timesyncd/)
  t.notRegex(names(base, 'vm1', true), /timesyncd/)
  t.regex(names(mongodb, 'vm2', false), /huge-pages/)
  t.notRegex(names(mongodb, 'vm2', true), /huge-pages/)
})

test('a topic that has fewer partitions gets more, and one that has more is an error', (t) => {
  const tokens = resourcesOf(kafkaTopics, 'vm1').find(({ id }) => id === 'tokens')

  t.deepEqual(tokens?.diff({ partitions: '6' }), [{ property: 'partitions', have: '6', want: '12' }])
  t.throws(() => tokens?.diff({ partitions: '16' }), {
    message: /DATA_AT_RISK.*16 partitions, should have 12/,
  })
})

test('dead letters are kept for ever, and other topics as the broker keeps them', (t) => {
  const topics = resourcesOf(kafkaTopics, 'vm1')
  const changesOf = (name: string, have: unknown) => topics.find(({ id }) => id === name)?.diff(have)

  t.deepEqual(changesOf('pipeline.dlq', { partitions: '3', retention: '604800000' }), [
    { property: 'retention', have: '604800000', want: '-1' },
  ])
  t.deepEqual(changesOf('tokens', { partitions: '12' }), [])
})

test('a wrong variable is refused with the role and the place', (t) => {
  t.throws(() => kafka.read({ heapMb: 'much' }, 'vm1'), {
    message: /VARIABLE_INVALID.*heapMb should be number/,
  })
})

for (const [distribution, release] of [
  ['debian', '11'],
  ['debian', '13'],
  ['debian', ''],
  ['ubuntu', '20.04'],
] as const) {
  test(`${distribution} ${release || 'without a release'} is refused before anything is changed`, (t) => {
    const error = t.throws(
      () => base.require({}, pipelineContext('vm1', { facts: { distribution, release } })),
      {
        instanceOf: SluiceError,
      },
    )

    t.is(error.code, 'HOST_UNSUPPORTED')
    t.true(error.message.endsWith(`is ${distribution} ${release}`.trim()), error.message)
  })
}
