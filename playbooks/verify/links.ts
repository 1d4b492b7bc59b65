import type { Host } from '../../engine/inventory.ts'
import type { Connection } from '../../engine/transport/connection.ts'
import { serviceAddress } from '../../roles/layout.ts'
import { anyOf, type Checklist, type Outcome, type Suspect } from './checklist.ts'
import { type Expectations, expectedIndexes, type PipelineGroup } from './expectations.ts'
import { judgeBrokers, judgeTopics, readCluster } from './kafka.ts'
import { type DatabasePlace, judgeIndexes, readServer, type ServerState } from './mongodb.ts'
import { answerOf, judgeHealth, judgeReadiness } from './processor.ts'
import { askDoctor } from './producer.ts'
import { type HostState, judgeHost, judgeUnit, readHostState } from './units.ts'

/** A host that let the controller in. */
export interface Reached {
  host: Host
  connection: Connection
  expected: Expectations
  state: HostState
  /** Whether each unit that should run does. */
  units: Map<string, Outcome<undefined>>
}

/** Logs in to a host, and looks at it and at its units. */
export async function checkHost(
  checklist: Checklist,
  host: Host,
  expected: Expectations,
  connect: () => Promise<Connection>,
): Promise<Reached | undefined> {
  const login = await checklist.check({
    name: 'login',
    host: host.name,
    run: async () => {
      const connection = await connect()
      const state = await readHostState(connection, ['ssh.service', ...expected.units])
      const detail = `${host.user}@${host.address}, seen there as ${state.clientAddress}`
      return { detail, value: { connection, state } }
    },
  })
  if (!login.passed) return undefined
  const { connection, state } = login.value
  await checklist.check({
    name: 'host',
    host: host.name,
    run: () => judgeHost(connection, state, expected.units),
  })
  const units = new Map<string, Outcome<undefined>>()
  for (const unit of expected.units) {
    const run = () => judgeUnit(connection, unit, state)
    units.set(unit, await checklist.check({ name: unit, host: host.name, run }))
  }
  return { host, connection, expected, state, units }
}

const notThere = (unit: string): Outcome<undefined> => ({
  passed: false,
  reason: `${unit} was not looked at`,
})

const unitOf = ({ units }: Reached, unit: string): Outcome<undefined> => units.get(unit) ?? notThere(unit)

/** Each link of the pipeline for itself. What is passed on is what the batch needs. */
export interface Links {
  brokers: Outcome<unknown>
  database: Outcome<{ reached: Reached; place: DatabasePlace }>
  processors: Outcome<unknown>
  /** By host: whether its producer can send. */
  producers: Map<string, Outcome<unknown>>
}

export async function checkLinks(checklist: Checklist, reached: readonly Reached[]): Promise<Links> {
  const members = (group: PipelineGroup) => reached.filter(({ host }) => host.groups.includes(group))
  const brokerPlaces = members('kafka').map(({ host, expected }) => placeName(host, expected.kafkaPort))
  const [brokers, databases, processors, producers] = await Promise.all([
    Promise.all(members('kafka').map((host) => checkBroker(checklist, host, brokerPlaces))),
    Promise.all(members('mongodb').map((host) => checkDatabase(checklist, host))),
    Promise.all(members('processor').map((host) => checkProcessor(checklist, host))),
    Promise.all(
      members('producers').map(
        async (host) => [host.host.name, await checkProducer(checklist, host)] as const,
      ),
    ),
  ])
  return {
    brokers: anyOf(brokers, noHost('kafka')),
    database:
      databases.find((outcome) => outcome.passed && outcome.value.server.writable) ??
      anyOf(databases, noHost('mongodb')),
    processors: anyOf(processors, noHost('processor')),
    producers: new Map(producers),
  }
}

const noHost = (group: PipelineGroup): string => `no host of the group ${group} was looked at`

const suspectsOf = ({ connection }: Reached, ...units: string[]): Suspect[] =>
  units.map((unit) => ({ connection, unit }))

/** As Kafka writes it. */
const placeName = (host: Host, port: number): string => `${serviceAddress(host)}:${port}`

async function checkBroker(
  checklist: Checklist,
  reached: Reached,
  brokerPlaces: readonly string[],
): Promise<Outcome<unknown>> {
  const { host, connection, expected } = reached
  const suspects = suspectsOf(reached, 'kafka.service')
  const cluster = await checklist.check({
    name: 'kafka',
    host: host.name,
    needs: [unitOf(reached, 'kafka.service')],
    suspects: [...suspects, ...suspectsOf(reached, 'zookeeper.service')],
    run: async () => {
      const place = { address: serviceAddress(host), port: expected.kafkaPort }
      return judgeBrokers(await readCluster(connection, place), brokerPlaces)
    },
  })
  if (!cluster.passed) return checklist.skip({ name: 'topics', host: host.name }, cluster.reason)
  const run = () => judgeTopics(cluster.value, expected.topics)
  await checklist.check({ name: 'topics', host: host.name, suspects, run })
  return cluster
}

async function checkDatabase(
  checklist: Checklist,
  reached: Reached,
): Promise<Outcome<{ reached: Reached; place: DatabasePlace; server: ServerState }>> {
  const { host, connection, expected } = reached
  const suspects = suspectsOf(reached, 'mongod.service')
  const place = { address: serviceAddress(host), port: expected.mongodbPort, database: expected.database }
  const answering = await checklist.check({
    name: 'mongodb',
    host: host.name,
    needs: [unitOf(reached, 'mongod.service')],
    suspects,
    run: async () => {
      const server = await readServer(connection, place)
      const role = server.writable ? 'takes writes' : 'takes no writes'
      const detail = `${server.version}, ping ${server.pingMs.toFixed(1)} ms, ${role}`
      return { detail, value: { reached, place, server } }
    },
  })
  if (!answering.passed) return checklist.skip({ name: 'indexes', host: host.name }, answering.reason)
  const run = () => judgeIndexes(answering.value.server, expectedIndexes)
  await checklist.check({ name: 'indexes', host: host.name, suspects, run })
  return answering
}

async function checkProcessor(checklist: Checklist, reached: Reached): Promise<Outcome<unknown>> {
  const { host, connection, expected } = reached
  const place = { address: serviceAddress(host), port: expected.processorPort }
  const suspects = suspectsOf(reached, 'processor.service')
  const needs = [unitOf(reached, 'processor.service')]
  const health = await checklist.check({
    name: 'health',
    host: host.name,
    needs,
    suspects,
    run: async () => judgeHealth(await answerOf(connection, place, '/health')),
  })
  return checklist.check({
    name: 'readiness',
    host: host.name,
    needs: [health],
    suspects,
    run: async () => judgeReadiness(await answerOf(connection, place, '/ready')),
  })
}

async function checkProducer(checklist: Checklist, reached: Reached): Promise<Outcome<unknown>> {
  const { host, connection } = reached
  return checklist.check({
    name: 'producer doctor',
    host: host.name,
    run: () => askDoctor(connection),
  })
}
