import test from 'ava'
import { Kafka, logLevel } from 'kafkajs'
import { readTopic, sendTo } from '../../support/kafka-log.ts'
import { type Ground, layPipeline, prepareGround } from '../../support/pipeline.ts'
import { answerOf, eventually } from '../../support/programs.ts'

let ground: Ground

test.before(async () => {
  ground = await prepareGround()
})

test.after.always(async () => {
  await ground?.remove()
})

const usage = (tokens: number) =>
  JSON.stringify({
    ...{ ts: new Date().toISOString(), host: 'gpu-1', gpu_index: 0, model: 'm', latency_ms: 1 },
    ...{ prompt_tokens: tokens, completion_tokens: 1 },
  })

/** What is left when Kafka's data is lost and MongoDB's is not. */
async function makeAnew(bootstrap: string, topic: string): Promise<void> {
  const admin = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  await admin.deleteTopics({ topics: [topic] })
  // The broker deletes it when it comes to it.
  await eventually('the topic is there again', () =>
    admin.createTopics({ topics: [{ topic, numPartitions: 6 }], waitForLeaders: true }),
  )
  await admin.disconnect()
}

test('messages without an event_id of a topic that was made anew are dead letters, not duplicates', async (t) => {
  const pipeline = await layPipeline(t, ground)
  const { bootstrap } = ground.services
  const { token, deadLetters } = pipeline.topics
  const before = [1, 2, 3].map(usage)
  const first = pipeline.startProcessor()
  await sendTo(bootstrap, { topic: token, partition: 0, values: before })
  const stored = async () => (await pipeline.documents('token_usage')).length
  await eventually('all are stored', async () => (await stored()) === 3)
  first.kill('SIGTERM')
  await first.ended

  await makeAnew(bootstrap, token)
  // The first comes again as it was; the others have the names of others.
  const [same = ''] = before
  await sendTo(bootstrap, { topic: token, partition: 0, values: [same, usage(20), usage(30), usage(40)] })
  const second = pipeline.startProcessor()
  await eventually('the new one is stored', async () => (await stored()) === 4)
  await eventually(
    'the others are letters',
    async () => (await readTopic(bootstrap, deadLetters)).length === 2,
  )

  const letters = (await readTopic(bootstrap, deadLetters)).map(({ value, headers: { reason } }) => [
    JSON.parse(value.toString()).prompt_tokens,
    reason,
  ])
  t.deepEqual(letters.sort(), [
    [20, `another message is stored as ${token}:0:1, and this one has no event_id`],
    [30, `another message is stored as ${token}:0:2, and this one has no event_id`],
  ])
  const tokens = (await pipeline.documents('token_usage')).map(({ prompt_tokens }) => prompt_tokens)
  t.deepEqual(tokens.toSorted(), [1, 2, 3, 40])
  const metrics = (await answerOf(`${pipeline.url}/metrics`))?.body ?? ''
  t.regex(metrics, new RegExp(`events_total\\{topic="${token}",result="duplicate"\\} 1$`, 'm'))
  t.regex(metrics, new RegExp(`events_total\\{topic="${token}",result="rejected"\\} 2$`, 'm'))
  second.kill('SIGTERM')
  const { stdout } = await second.ended
  t.is(stdout.match(/was the topic made anew\?/g)?.length, 1)
})
