import test from 'ava'
import { Kafka, logLevel } from 'kafkajs'
import type { ControllerAccess, Resource } from '../../../engine/resource.ts'
import { kafkaTopic } from '../../../roles/kafka/topic.ts'
import { createTopics } from '../../support/kafka-log.ts'
import { localConnection } from '../../support/local-connection.ts'
import { type Ground, layPipeline, prepareGround } from '../../support/pipeline.ts'

let ground: Ground

test.before(async () => {
  ground = await prepareGround()
})

test.after.always(async () => {
  await ground?.remove()
})

const topicResource = 2

/** What a topic says of itself: how long it keeps, and how large a message it takes. */
async function settingsOf(name: string): Promise<Record<string, string>> {
  const admin = new Kafka({ brokers: [ground.services.bootstrap], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  const asked = { includeSynonyms: false, resources: [{ type: topicResource, name }] }
  const { resources } = await admin.describeConfigs(asked)
  await admin.disconnect()
  const entries = resources[0]?.configEntries ?? []
  return Object.fromEntries(entries.map(({ configName, configValue }) => [configName, configValue]))
}

test.serial('letters are kept for ever in the topic that the processor makes', async (t) => {
  const pipeline = await layPipeline(t, ground)
  pipeline.startProcessor()
  await pipeline.ready()

  t.is((await settingsOf(pipeline.topics.deadLetters))['retention.ms'], '-1')
})

test.serial(
  'a topic gets the retention that is declared, keeps its other settings, and needs no second change',
  async (t) => {
    const { bootstrap } = ground.services
    const [address = '', port] = bootstrap.split(':')
    const name = `letters${Date.now()}`
    await createTopics(bootstrap, [name], 2)
    const admin = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    const configEntries = [{ name: 'max.message.bytes', value: '4000000' }]
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: topicResource, name, configEntries }],
    })
    await admin.disconnect()
    const place = { name, partitions: 3, replication: 1, address, port: Number(port) }
    const access = { connection: localConnection() } as unknown as ControllerAccess

    t.deepEqual(await converge(kafkaTopic({ ...place, retentionMs: -1 }), access), [
      'partitions',
      'retention',
    ])
    t.deepEqual(await converge(kafkaTopic({ ...place, retentionMs: -1 }), access), [])

    t.like(await settingsOf(name), { 'retention.ms': '-1', 'max.message.bytes': '4000000' })
    t.deepEqual(await converge(kafkaTopic({ ...place, name: `${name}b`, retentionMs: 7_200_000 }), access), [
      'partitions',
      'retention',
    ])
    t.is((await settingsOf(`${name}b`))['retention.ms'], '7200000')
  },
)

/** Brings a resource to where it should be; which properties were not. */
async function converge(resource: Resource, access: ControllerAccess): Promise<string[]> {
  const { probe } = resource
  if (!('read' in probe)) throw new TypeError('a topic is read by the controller')
  const have = await probe.read(access)
  const changes = resource.diff(have)
  if (changes.length > 0) {
    for (const step of resource.apply(have, undefined)) if (step.kind === 'controller') await step.act(access)
  }
  return changes.map(({ property }) => property)
}
