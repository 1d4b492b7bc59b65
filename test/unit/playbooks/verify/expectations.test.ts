import test from 'ava'
import type { Facts } from '../../../../engine/facts.ts'
import type { Host } from '../../../../engine/inventory.ts'
import type { Role } from '../../../../engine/role.ts'
import { variablesOf } from '../../../../engine/variables.ts'
import { expectationsOf, expectedIndexes } from '../../../../playbooks/verify/expectations.ts'
import { kafka } from '../../../../roles/kafka/kafka.ts'
import { kafkaTopics } from '../../../../roles/kafka/topics.ts'
import { mongodb } from '../../../../roles/mongodb/mongodb.ts'
import { processor } from '../../../../roles/processor.ts'
import { producer } from '../../../../roles/producer.ts'
import { zookeeper } from '../../../../roles/zookeeper.ts'
import { fourHosts } from './hosts.ts'

const facts: Facts = {
  hostname: 'vm1',
  distribution: 'debian',
  release: '12',
  architecture: 'amd64',
  processors: 2,
  memoryMb: 2048,
  container: true,
  clientAddress: '10.0.9.5',
}

const rolesOf: Record<string, Role[]> = {
  vm1: [zookeeper, kafka, kafkaTopics],
  vm2: [mongodb],
  vm3: [processor],
  vm4: [producer],
}

/** What the roles declare of a kind on a host. */
function declared(name: string, kind: string): string[] {
  const inventory = fourHosts()
  const host = inventory.hosts.find((each) => each.name === name)
  if (host === undefined) throw new TypeError(`there is no ${name}`)
  const group = (wanted: string) => inventory.hosts.filter(({ groups }) => groups.includes(wanted))
  const paramsOf = <Params>(role: Role<Params>, other: Host) =>
    role.read(variablesOf(other, inventory, [])[role.name], other.name)
  const variables = variablesOf(host, inventory, [])
  return (rolesOf[name] ?? []).flatMap((role) =>
    role
      .resources(variables[role.name], { host, facts, inventory, group, paramsOf })
      .filter((resource) => resource.kind === kind)
      .map(({ id }) => id),
  )
}

test('the units that are looked at are those that the roles let run', (t) => {
  const inventory = fourHosts()

  for (const host of inventory.hosts) {
    const started = declared(host.name, 'unit').filter((unit) => !unit.includes('@.'))
    t.deepEqual(expectationsOf(host, inventory).units.sort(), started.sort())
  }
})

test('the topics and indexes that are looked for are those that the roles make', (t) => {
  const inventory = fourHosts()
  const [broker] = inventory.hosts
  if (broker === undefined) return t.fail()
  const { topics, database } = expectationsOf(broker, inventory)

  const indexes = Object.entries(expectedIndexes).flatMap(([collection, names]) =>
    names.map((name) => `${database}.${collection} ${name}`),
  )

  t.deepEqual([...topics.keys()].sort(), declared('vm1', 'topic').sort())
  t.deepEqual(indexes.sort(), declared('vm2', 'index').sort())
})

test('the variables of the inventory say where to look', (t) => {
  const inventory = {
    ...fourHosts(),
    variables: { kafka: { port: 9192, heapMb: 512 }, producer: { instances: 1 } },
  }
  const [first, , , fourth] = inventory.hosts
  if (first === undefined || fourth === undefined) return t.fail()

  t.is(expectationsOf(first, inventory).kafkaPort, 9192)
  t.deepEqual(expectationsOf(fourth, inventory).units, ['producer@1.service'])
})
