import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Admin, ConfigEntries } from 'kafkajs'
import * as v from 'valibot'
import { SluiceError } from '../../engine/errors.ts'
import { type ControllerAccess, compare, defineResource } from '../../engine/resource.ts'
import { withLocalSocket } from '../../engine/transport/local-socket.ts'
import { throwReasons } from './reasons.ts'

const Spec = v.strictObject({
  name: v.pipe(v.string(), v.description('its name')),
  partitions: v.pipe(v.number(), v.description('how many partitions it has')),
  replication: v.pipe(v.number(), v.description('on how many brokers each partition is, when it is created')),
  retentionMs: v.pipe(
    v.optional(v.number()),
    v.description('how long its messages are kept, -1 for ever; left out, as the broker keeps all others'),
  ),
  address: v.pipe(v.string(), v.description('a broker')),
  port: v.number(),
})
type Spec = v.InferOutput<typeof Spec>

interface Have {
  partitions: string
  /** In milliseconds; not asked for where none is wanted. */
  retention?: string
}

/** A Kafka topic, read and made by the protocol through the host's own connection: no JVM is started to ask. */
export const kafkaTopic = defineResource<typeof Spec, Have>({
  kind: 'topic',
  spec: Spec,
  id: ({ name }) => name,
  // A broker reads what it is asked of a topic in ZooKeeper, and does not answer while that is away.
  reads: ({ name }) => [
    'unit:zookeeper.service',
    'unit:kafka.service',
    'ready:kafka.service',
    `topic:${name}`,
  ],
  touches: ({ name }) => [`topic:${name}`],

  probe: (spec) => ({
    async read(access) {
      for (let tries = 0; tries < 100; tries++) {
        const partitions = (await topicsOf(spec, access)).get(spec.name)
        if (partitions !== undefined)
          return { partitions: String(partitions), ...(await retentionOf(spec, access)) }
        if (!(await isCreated(spec, access))) return undefined
        await sleep(100)
      }
      throw unknowing(`the topic ${spec.name}, which there is`)
    },
  }),

  diff({ name, partitions, retentionMs }, have) {
    if (have !== undefined && Number(have.partitions) > partitions) {
      throw new SluiceError('DATA_AT_RISK', {
        subject: `the topic ${name} has ${have.partitions} partitions, should have ${partitions}: Kafka cannot take partitions away`,
        at: `topic ${name}`,
        advice: `declare ${have.partitions} partitions, or delete the topic by hand with all that is in it`,
      })
    }
    return compare({ partitions: String(partitions), retention: retentionMs?.toString() }, have)
  },

  apply: (spec, have) => [
    {
      kind: 'controller',
      summary: summaryOf(spec, have),
      act(access) {
        const change = (admin: Admin) => (have === undefined ? create(spec, admin) : alter(spec, have, admin))
        return withAdmin(
          spec,
          access,
          async (admin) => void (await change(admin).catch(throwReasons)),
          patienceMs * 1.5,
        )
      },
    },
  ],
})

function summaryOf({ name, partitions }: Spec, have: Have | undefined): string {
  if (have === undefined) return `create topic ${name}`
  return Number(have.partitions) < partitions ? `add partitions to ${name}` : `set the retention of ${name}`
}

async function create(
  { name: topic, partitions, replication, retentionMs }: Spec,
  admin: Admin,
): Promise<void> {
  const configEntries = retentionMs === undefined ? [] : [{ name: retention, value: String(retentionMs) }]
  const topics = [{ topic, numPartitions: partitions, replicationFactor: replication, configEntries }]
  await admin.createTopics({ topics, waitForLeaders: true, timeout: patienceMs })
}

async function alter(
  { name: topic, partitions, retentionMs }: Spec,
  have: Have,
  admin: Admin,
): Promise<void> {
  if (Number(have.partitions) < partitions) {
    const topicPartitions = [{ topic, count: partitions }]
    await admin.createPartitions({ topicPartitions, timeout: patienceMs })
  }
  if (retentionMs === undefined || have.retention === String(retentionMs)) return
  // What is not named here goes back to its default.
  const others = (await settingsOf(topic, admin)).filter(
    ({ configName, configSource }) => configSource === ownSetting && configName !== retention,
  )
  const configEntries = [
    ...others.map(({ configName, configValue }) => ({ name: configName, value: configValue })),
    { name: retention, value: String(retentionMs) },
  ]
  await admin.alterConfigs({
    validateOnly: false,
    resources: [{ type: topicResource, name: topic, configEntries }],
  })
}

const retention = 'retention.ms'

// What kafkajs calls ConfigResourceTypes.TOPIC and ConfigSource.TOPIC_CONFIG, the latter in its types only.
const topicResource = 2
const ownSetting = 1

async function settingsOf(name: string, admin: Admin): Promise<ConfigEntries[]> {
  const asked = { includeSynonyms: false, resources: [{ type: topicResource, name }] }
  const { resources } = await admin.describeConfigs(asked)
  return resources[0]?.configEntries ?? []
}

/** How long messages of a topic are kept, where that is declared. */
async function retentionOf(spec: Spec, access: ControllerAccess): Promise<Pick<Have, 'retention'>> {
  if (spec.retentionMs === undefined) return {}
  const settings = await withAdmin(spec, access, (admin) => settingsOf(spec.name, admin))
  const found = settings.find(({ configName }) => configName === retention)
  return found === undefined ? {} : { retention: found.configValue }
}

/** A broker that has just started on a slow machine takes more than the five seconds that the client gives it. */
const patienceMs = 60_000

const shared = new WeakMap<ControllerAccess['connection'], Promise<Map<string, number>>>()

/** All topics with their numbers of partitions: resources that ask at the same time share one answer. */
function topicsOf(spec: Spec, access: ControllerAccess): Promise<Map<string, number>> {
  const pending = shared.get(access.connection)
  if (pending !== undefined) return pending
  const asked = withAdmin(spec, access, loadedTopics).finally(() => shared.delete(access.connection))
  shared.set(access.connection, asked)
  return asked
}

/**
 * A broker that has just started answers before its controller has told it of topics and brokers: that it knows of
 * no topic says nothing until it knows of a broker.
 *
 * @throws SluiceError PROBE_REFUSED when it still knows nothing after some seconds
 */
async function loadedTopics(admin: Admin): Promise<Map<string, number>> {
  for (let tries = 0; tries < 100; tries++) {
    const { brokers } = await admin.describeCluster()
    if (brokers.length > 0) {
      const { topics } = await admin.fetchTopicMetadata()
      return new Map(topics.map(({ name, partitions }) => [name, partitions.length]))
    }
    await sleep(100)
  }
  throw unknowing('its cluster')
}

/**
 * Whether a topic is there by ZooKeeper's account. A controller that has just begun tells the brokers of one another
 * first and of the topics after that: what a broker has not heard of may be there all the same.
 */
function isCreated(spec: Spec, access: ControllerAccess): Promise<boolean> {
  return withAdmin(spec, access, async (admin) => {
    const topics = [{ topic: spec.name, numPartitions: 1, replicationFactor: 1 }]
    const possible = await admin.createTopics({ topics, validateOnly: true, waitForLeaders: false })
    return !possible
  })
}

function unknowing(what: string): SluiceError {
  return new SluiceError('PROBE_REFUSED', {
    subject: `the broker answers, but does not know ${what} yet`,
    advice: 'see its journal: journalctl --unit kafka.service --lines 50; then run again',
  })
}

async function withAdmin<Result>(
  { address, port }: Spec,
  { connection }: ControllerAccess,
  use: (admin: Admin) => Promise<Result>,
  requestTimeout = 30_000,
): Promise<Result> {
  const { Kafka, logLevel } = (await import('kafkajs')).default
  return withLocalSocket(connection, { address, port }, async (path) => {
    const admin = new Kafka({
      clientId: 'sluice',
      brokers: [`${address}:${port}`],
      logLevel: logLevel.NOTHING,
      connectionTimeout: 5_000,
      requestTimeout,
      retry: { retries: 2, initialRetryTime: 100 },
      socketFactory: ({ onConnect }) => connect(path, onConnect),
    }).admin()
    try {
      await admin.connect()
      return await use(admin)
    } finally {
      await admin.disconnect()
    }
  })
}
