import { connect } from 'node:net'
import type { Kafka } from 'kafkajs'
import type { Connection } from '../../engine/transport/connection.ts'
import { withLocalSocket } from '../../engine/transport/local-socket.ts'
import { type Answer, CheckFailure, unanswered } from './checklist.ts'

export interface PartitionState {
  partition: number
  /** -1 where no broker leads it. */
  leader: number
  replicas: number
  inSync: number
}

/** What a broker knows of its cluster. */
export interface ClusterState {
  /** `address:port` as each broker is advertised. */
  brokers: string[]
  topics: Map<string, PartitionState[]>
}

/** A broker, and the connection to its host. */
export interface BrokerPlace {
  connection: Connection
  address: string
  port: number
}

const placeName = ({ address, port }: Pick<BrokerPlace, 'address' | 'port'>): string => `${address}:${port}`

/** Lets `use` work with a cluster through the connections to its hosts. */
export async function withKafka<Result>(
  brokers: readonly BrokerPlace[],
  use: (kafka: Kafka) => Promise<Result>,
): Promise<Result> {
  const { Kafka, logLevel } = (await import('kafkajs')).default
  return withSockets(brokers, (sockets) =>
    use(
      new Kafka({
        clientId: 'sluice',
        brokers: [...sockets.keys()],
        logLevel: logLevel.NOTHING,
        connectionTimeout: 5_000,
        requestTimeout: 10_000,
        retry: { retries: 2, initialRetryTime: 100 },
        // A broker that is known by another name than in the inventory is asked by way of the first one.
        socketFactory: ({ host, port, onConnect }) =>
          connect(sockets.get(`${host}:${port}`) ?? [...sockets.values()][0] ?? '', onConnect),
      }),
    ),
  )
}

/** A socket for each broker, by its place. */
function withSockets<Result>(
  [broker, ...others]: readonly BrokerPlace[],
  use: (sockets: Map<string, string>) => Promise<Result>,
): Promise<Result> {
  if (broker === undefined) return use(new Map())
  return withLocalSocket(broker.connection, broker, (path) =>
    withSockets(others, (sockets) => use(new Map([[placeName(broker), path], ...sockets]))),
  )
}

/** Asks a broker for its cluster, through the connection to its host. */
export async function readCluster(
  connection: Connection,
  place: { address: string; port: number },
): Promise<ClusterState> {
  // Whatever broker is asked for, this one answers: each knows the whole cluster.
  return withKafka([{ connection, ...place }], async (kafka) => {
    const admin = kafka.admin()
    try {
      await admin.connect()
      const { brokers } = await admin.describeCluster()
      const { topics } = await admin.fetchTopicMetadata()
      return {
        brokers: brokers.map(({ host, port }) => `${host}:${port}`),
        topics: new Map(topics.map(({ name, partitions }) => [name, partitions.map(partitionState)])),
      }
    } catch (error) {
      throw unanswered(`Kafka on ${place.address}:${place.port} does not answer`, error)
    } finally {
      await admin.disconnect()
    }
  })
}

interface PartitionMetadata {
  partitionId: number
  leader: number
  replicas: number[]
  isr: number[]
}

const partitionState = ({ partitionId, leader, replicas, isr }: PartitionMetadata): PartitionState => ({
  partition: partitionId,
  leader,
  replicas: replicas.length,
  inSync: isr.length,
})

/** Judges whether the cluster consists of the brokers that it should. */
export function judgeBrokers(cluster: ClusterState, expected: readonly string[]): Answer<ClusterState> {
  const missing = expected.filter((place) => !cluster.brokers.includes(place))
  if (missing.length > 0) {
    throw new CheckFailure(
      `answers, but its cluster has ${cluster.brokers.join(', ') || 'no broker'} and not ${missing.join(', ')}`,
      { advice: 'see in the journal whether each broker is registered in the same ZooKeeper' },
    )
  }
  return { detail: `answers; brokers ${cluster.brokers.join(', ')}`, value: cluster }
}

/** Judges topics and partitions: as many as declared, each led, each replica in sync. */
export function judgeTopics({ topics }: ClusterState, expected: Map<string, number>): Answer<undefined> {
  const problems = [...expected].flatMap(([name, partitions]) => {
    const have = topics.get(name)
    if (have === undefined) return [`${name} is not there, should have ${partitions} partitions`]
    const unled = have.filter(({ leader }) => leader < 0)
    const behind = have.filter(({ replicas, inSync }) => inSync < replicas)
    return [
      ...(have.length === partitions
        ? []
        : [`${name} has ${have.length} partitions, should have ${partitions}`]),
      ...(unled.length === 0 ? [] : [`${name}: ${numbers(unled)} without a leader`]),
      ...(behind.length === 0 ? [] : [`${name}: ${numbers(behind)} with replicas that are behind`]),
    ]
  })
  if (problems.length > 0) {
    throw new CheckFailure(problems.join('; '), {
      advice:
        'sluice provision --tags kafka-topics; for partitions without a leader see whether all brokers run',
    })
  }
  const found = [...expected].map(([name, partitions]) => `${name} ${partitions}`)
  return { detail: `${found.join(', ')} partitions, all led and in sync`, value: undefined }
}

const numbers = (partitions: readonly PartitionState[]): string =>
  `partition ${partitions.map(({ partition }) => partition).join(', ')}`
