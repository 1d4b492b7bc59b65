import test, { type ExecutionContext } from 'ava'
import { Kafka, logLevel, type Message, Partitioners } from 'kafkajs'
import { deadLetterOperator } from '../../support/dead-letter-operator.ts'
import { documentsOf } from '../../support/json-documents.ts'
import { readTopic } from '../../support/kafka-log.ts'
import { type Ground, layPipeline, type Pipeline, prepareGround } from '../../support/pipeline.ts'
import { eventually } from '../../support/programs.ts'

let ground: Ground

test.before(async () => {
  ground = await prepareGround()
})

test.after.always(async () => {
  await ground?.remove()
})

async function operator(t: ExecutionContext, pipeline: Pipeline) {
  const dlq = await deadLetterOperator(t, ground.services.bootstrap, pipeline.topics.deadLetters)
  const letters = async (...words: string[]) => {
    const { exitCode, stdout, stderr } = await dlq('list', '--json', ...words)
    if (exitCode !== 0) throw new Error(stderr)
    return documentsOf(stdout, 'letter')
  }
  return { dlq, letters }
}

async function send(topic: string, messages: Message[]): Promise<void> {
  const kafka = new Kafka({ brokers: [ground.services.bootstrap], logLevel: logLevel.NOTHING })
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  await producer.send({ topic, acks: -1, messages })
  await producer.disconnect()
}

const usage = (more: object = {}) =>
  JSON.stringify({
    ts: new Date().toISOString(),
    model: 'm',
    prompt_tokens: 300,
    completion_tokens: 100,
    latency_ms: 1,
    gpu_index: 0,
    ...more,
  })

const inDeadLetters = (pipeline: Pipeline) =>
  readTopic(ground.services.bootstrap, pipeline.topics.deadLetters)

/** Letters are sent at least once: where one came again, its origin is the same. */
const originsOf = (letters: { origin?: string | undefined }[]) =>
  [...new Set(letters.map(({ origin }) => origin))].sort()

test.serial(
  'letters are listed, shown and replayed: however often, each becomes one document, with its bytes, key and headers',
  async (t) => {
    const pipeline = await layPipeline(t, ground)
    const { token, metric } = pipeline.topics
    const { bootstrap } = ground.services
    // A mistake of the operator: usage is read as samples, and every message of it is refused.
    const mistaken = pipeline.startProcessor({ TOPIC_METRIC: token, TOPIC_TOKEN: metric })
    const values = [usage(), usage({ event_id: 'known' }), usage()]
    await send(
      token,
      values.map((value) => ({ value, key: 'vm4', partition: 2, headers: { trace: 'abc' } })),
    )
    await eventually('they are dead letters', async () => {
      const letters = await inDeadLetters(pipeline).catch(() => [])
      return new Set(letters.map(({ headers }) => headers.offset)).size === values.length
    })
    mistaken.kill('SIGTERM')
    await mistaken.ended
    const count = (await inDeadLetters(pipeline)).length
    const origins = values.map((_, offset) => `${token}:2:${offset}`)
    const { dlq, letters } = await operator(t, pipeline)

    const listed = await dlq('list')
    t.is(listed.exitCode, 0, listed.stderr)
    t.regex(listed.stdout, new RegExp(`${token}:2:0 .*host is missing`))
    t.regex(listed.stdout, new RegExp(`^${count} dead letters: ${token} ${count}$`, 'm'))
    t.deepEqual(originsOf(await letters()), origins)
    t.deepEqual(originsOf(await letters('--offset', '1-2')), origins.slice(1))
    t.deepEqual(originsOf(await letters('--reason', 'HOST IS')), origins)
    t.is((await letters('--topic', metric)).length, 0)
    t.is((await letters('--partition', '1')).length, 0)

    const shown = await dlq('show', `${token}:2:1`)
    t.regex(shown.stdout, /^key +vm4$/m)
    t.regex(shown.stdout, /^header +trace: abc$/m)
    t.true(shown.stdout.endsWith(`\n\n${values[1]}\n`), shown.stdout)
    t.is((await dlq('show', `${token}:2:1`, '--raw')).stdout, String(values[1]))

    const unasked = await dlq('replay')
    t.is(unasked.exitCode, 64)
    t.regex(unasked.stderr, /add --yes/)

    pipeline.startProcessor()
    await pipeline.ready()
    const replayed = await dlq('replay', '--yes')
    t.is(replayed.exitCode, 0, replayed.stderr)
    const sentAgain = new RegExp(`^${count} messages sent again\\.$`, 'm')
    t.regex(replayed.stdout, sentAgain)
    await eventually('they are stored', async () => (await pipeline.documents('token_usage')).length === 3)
    const log = (await readTopic(bootstrap, token)).slice(values.length)
    const replays = new Map(log.map(({ headers, value }) => [headers['sluice.origin'], String(value)]))
    t.deepEqual(
      [...replays],
      values.map((value, place) => [origins[place], value]),
    )
    for (const { headers, partition } of log)
      t.like({ headers, partition }, { headers: { trace: 'abc' }, partition: 2 })
    t.deepEqual(await letters(), [])
    t.is((await letters('--all')).filter(({ replayed: done }) => done !== undefined).length, count)
    t.regex((await dlq('replay', '--yes')).stdout, /nothing to replay/)
    const [origin = ''] = origins
    const before = await dlq('replay', origin, '--yes')
    t.regex(
      before.stderr,
      /replayed before, and nothing was sent\n.*\n {2}do {3}--again replays it once more/,
    )
    t.is(before.exitCode, 1)
    const leftOut = await dlq('replay', origin, '--again', '--reason', 'no such reason', '--yes')
    t.regex(leftOut.stderr, /the other options leave out the letter/)

    const again = await dlq('replay', '--yes', '--again', '--json')
    t.deepEqual(
      documentsOf(again.stdout, 'replayed').filter(({ failure }) => failure !== undefined),
      [],
    )
    t.true(documentsOf(again.stdout, 'replayed').length >= count)
    await send(token, [{ value: usage({ event_id: 'last' }), key: 'vm4', partition: 2 }])
    await eventually('all is processed', async () => {
      return (await pipeline.documents('token_usage')).some(({ _id }) => String(_id) === 'last')
    })
    const documents = await pipeline.documents('token_usage')
    t.deepEqual(
      documents.map(({ _id }) => String(_id)).sort(),
      ['known', 'last', `${token}:2:0`, `${token}:2:2`].sort(),
    )
  },
)

test.serial('a message that is still bad comes back, and says how often', async (t) => {
  const pipeline = await layPipeline(t, ground)
  const { token } = pipeline.topics
  pipeline.startProcessor()
  await pipeline.ready()
  await send(token, [{ value: '{"ts":', partition: 0 }])
  await eventually('it is a dead letter', async () => (await inDeadLetters(pipeline)).length > 0)
  const { dlq, letters } = await operator(t, pipeline)

  for (const times of [1, 2]) {
    t.is((await dlq('replay', '--yes')).exitCode, 0)
    await eventually('it is back', async () => {
      return (await inDeadLetters(pipeline)).some(({ headers }) => headers.replays === String(times))
    })
    const waiting = await letters()
    t.deepEqual(originsOf(waiting), [`${token}:0:0`])
    const sent = (await readTopic(ground.services.bootstrap, token)).filter(
      ({ headers }) => headers['sluice.replays'] === String(times),
    )
    for (const { replays, from } of waiting) {
      t.is(replays, times)
      t.like(from, { topic: token, partition: 0 })
      t.true(sent.some(({ offset }) => offset === from?.offset))
    }
  }
  t.regex((await dlq('list')).stdout, /back 2×/)
  t.regex((await dlq('show', `${token}:0:0`)).stdout, /^replays +2; it lay first at /m)
})

test.serial('what cannot be meant, reached or sent is said, and ends with another code than 0', async (t) => {
  const pipeline = await layPipeline(t, ground)
  const { dlq, letters } = await operator(t, pipeline)
  const noTopic = await dlq('list')
  await send(pipeline.topics.token, [{ value: 'x' }])
  pipeline.startProcessor()
  await pipeline.ready()
  await eventually('it is a dead letter', async () => (await inDeadLetters(pipeline)).length > 0)
  await send(pipeline.topics.deadLetters, [{ value: 'by somebody', partition: 1 }])

  const unknown = await dlq('show', '2:99')
  const name = (await letters()).find(({ from }) => from === undefined)?.letter ?? ''
  const foreign = await dlq('replay', name, '--yes')
  const badOffset = await dlq('list', '--offset', '9-3')
  const elsewhere = await dlq('list', '--var', 'kafka.port=9')

  t.regex(noTopic.stderr, /^LETTER_UNKNOWN {2}Kafka has no topic/m)
  t.regex(unknown.stderr, /^LETTER_UNKNOWN .* has no letter 2:99/m)
  t.is(unknown.exitCode, 1)
  t.regex(foreign.stdout, /^1:\d {2}not sent: it does not say where it came from/m)
  t.is(foreign.exitCode, 1)
  t.is(badOffset.exitCode, 64)
  t.regex(elsewhere.stderr, /^(PROBE_REFUSED|PIPELINE_UNREACHABLE)/m)
  t.is(elsewhere.exitCode, 1)
})
