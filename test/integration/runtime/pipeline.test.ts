import { setTimeout as sleep } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { readTopic, sendTo } from '../../support/kafka-log.ts'
import {
  expectedCosts,
  type Ground,
  idsInLog,
  layPipeline,
  type Pipeline,
  prepareGround,
} from '../../support/pipeline.ts'
import { answerOf, eventually } from '../../support/programs.ts'

let ground: Ground

test.before(async () => {
  ground = await prepareGround()
})

test.after.always(async () => {
  await ground?.remove()
})

const follow = (pipeline: Pipeline) =>
  pipeline.startProducer({ words: ['--follow', '--marker', 'stream'], environment: { SLEEP_SEC: '0.005' } })

const countIn = async (pipeline: Pipeline, collection: 'gpu_metrics' | 'token_usage') =>
  (await pipeline.documents(collection)).length

/** Waits until all that the producer had acknowledged is stored, then compares it with the log, event by event. */
async function storedExactly(
  t: ExecutionContext,
  pipeline: Pipeline,
  acknowledged: Record<string, number>,
): Promise<void> {
  const { metric, token } = pipeline.topics
  const { bootstrap } = ground.services
  const samples = await idsInLog(bootstrap, metric)
  const usages = await idsInLog(bootstrap, token)
  t.true((acknowledged[token] ?? 0) > 0)
  t.is(samples.length, acknowledged[metric] ?? 0)
  t.is(usages.length, acknowledged[token] ?? 0)
  await eventually('everything is stored', async () => {
    const counts = [await countIn(pipeline, 'gpu_metrics'), await countIn(pipeline, 'token_usage')]
    return counts[0] === samples.length && counts[1] === usages.length
  })
  await sleep(500)
  const documents = await pipeline.documents('token_usage')
  t.deepEqual((await pipeline.documents('gpu_metrics')).map(({ _id }) => String(_id)).sort(), samples)
  t.deepEqual(documents.map(({ _id }) => String(_id)).sort(), usages)
  const expected = await expectedCosts(bootstrap, token)
  for (const { _id, tps, cost_per_token } of documents) {
    t.deepEqual({ tps, cost_per_token }, expected.get(String(_id)))
  }
}

/** Streams events for a while, lets something happen in the middle, and returns what was acknowledged. */
async function streamThrough(
  pipeline: Pipeline,
  fault: () => Promise<void>,
): Promise<Record<string, number>> {
  const producer = follow(pipeline)
  await eventually('events arrive', async () => (await countIn(pipeline, 'token_usage')) > 100)
  await fault()
  await sleep(2000)
  producer.kill('SIGTERM')
  const { exitCode, stdout } = await producer.ended
  if (exitCode !== 0) throw new Error(`the producer ended with ${exitCode}: ${stdout}`)
  return JSON.parse(stdout).acknowledged
}

test.serial('a marked batch arrives once, with its mark, tokens, rate and cost', async (t) => {
  const pipeline = await layPipeline(t, ground)
  pipeline.startProcessor()
  await pipeline.ready()

  const producer = pipeline.startProducer({
    words: ['--marker', 'batch-1'],
    environment: { BATCH: '30', SLEEP_SEC: '0.01' },
  })
  const { exitCode, stdout } = await producer.ended

  t.is(exitCode, 0)
  const report = JSON.parse(stdout)
  t.like(report, { marker: 'batch-1', iterations: 30, complete: true })
  await storedExactly(t, pipeline, report.acknowledged)
  for (const document of await pipeline.documents('token_usage')) {
    t.is(document.run, 'batch-1')
    t.is(document.tokens, document.prompt_tokens + document.completion_tokens)
    t.true(document.ts instanceof Date)
    t.is(document.source.topic, pipeline.topics.token)
  }
  const shown = await answerOf(`${pipeline.url}/gpu/info`)
  t.is(JSON.parse(shown?.body ?? '').gpu.gpu_index, 0)
})

test.serial('the log has a line a batch at debug, what changes at info, and none a message', async (t) => {
  const pipeline = await layPipeline(t, ground)
  const batch = 500
  const linesAt = async (level: string) => {
    const processor = pipeline.startProcessor({ LOG_LEVEL: level })
    await pipeline.ready()
    const collections = ['gpu_metrics', 'token_usage'] as const
    const counts = () => Promise.all(collections.map((collection) => countIn(pipeline, collection)))
    const before = await counts()
    await pipeline.startProducer({ environment: { BATCH: String(batch), SLEEP_SEC: '0' } }).ended
    await eventually('all is stored', async () =>
      (await counts()).every((count, place) => count === (before[place] ?? 0) + batch),
    )
    processor.kill('SIGTERM')
    const { stdout } = await processor.ended
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
  }

  const debug = await linesAt('debug')
  const info = await linesAt('info')

  const batches = debug.filter(({ msg }) => msg === 'wrote a batch')
  // A batch that is left for a new division of the partitions is read again, so a message may be in two lines.
  const written = batches.reduce((sum, { messages }) => sum + messages, 0)
  t.true(written >= 2 * batch, `${written} messages`)
  t.true(batches.every(({ topic, partition, last }) => topic && partition >= 0 && Number(last) >= 0))
  t.true(debug.length < batch / 2, `${debug.length} lines`)
  t.true(info.length < 50, `${info.length} lines`)
  t.false(info.some(({ level }) => level === 'debug'))
  const said = info.map(({ msg }) => msg)
  for (const change of ['listening', 'joined the group', 'mongodb: well', 'stopping', 'stopped'])
    t.true(said.includes(change), change)
})

test.serial(
  'a processor killed in mid-stream loses nothing, doubles nothing and computes the same',
  async (t) => {
    const pipeline = await layPipeline(t, ground)
    let processor = pipeline.startProcessor()

    const acknowledged = await streamThrough(pipeline, async () => {
      for (let kill = 0; kill < 3; kill += 1) {
        processor.kill('SIGKILL')
        await processor.ended
        processor = pipeline.startProcessor()
        t.log(`ready again after ${await pipeline.ready()} ms`)
        await sleep(700)
      }
    })

    await storedExactly(t, pipeline, acknowledged)
  },
)

test.serial('a processor asked to stop ends with 0 within 10 s and its successor goes on', async (t) => {
  const pipeline = await layPipeline(t, ground)
  let processor = pipeline.startProcessor()

  const acknowledged = await streamThrough(pipeline, async () => {
    const askedAt = Date.now()
    processor.kill('SIGTERM')
    const { exitCode } = await processor.ended
    t.is(exitCode, 0)
    t.true(Date.now() - askedAt < 10_000)
    processor = pipeline.startProcessor()
    t.log(`stopped in ${Date.now() - askedAt} ms, ready again after ${await pipeline.ready()} ms`)
  })

  await storedExactly(t, pipeline, acknowledged)
})

test.serial('a second processor that comes and goes changes no number', async (t) => {
  const pipeline = await layPipeline(t, ground)
  pipeline.startProcessor()

  const acknowledged = await streamThrough(pipeline, async () => {
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      const second = pipeline.startProcessor({ HTTP_PORT: '0' })
      await sleep(3000)
      second.kill(signal)
      await second.ended
      await sleep(1500)
    }
  })

  await storedExactly(t, pipeline, acknowledged)
})

test.serial(
  'while mongod is away /health answers, /ready says why, and afterwards nothing is missing',
  async (t) => {
    const pipeline = await layPipeline(t, ground)
    pipeline.startProcessor()

    const acknowledged = await streamThrough(pipeline, async () => {
      await ground.services.mongodb.kill()
      // It may be 503 for another reason before, such as a new division of the partitions.
      await eventually('not ready because of mongodb', async () => {
        const answer = await answerOf(`${pipeline.url}/ready`)
        return answer?.status === 503 && /mongodb/.test(answer.body)
      })
      t.is((await answerOf(`${pipeline.url}/health`))?.status, 200)
      await sleep(10_000)
      t.is((await answerOf(`${pipeline.url}/health`))?.status, 200)
      await ground.services.mongodb.start()
      t.log(`ready again after ${await pipeline.ready()} ms`)
    })

    await storedExactly(t, pipeline, acknowledged)
  },
)

test.serial('Kafka killed in mid-stream costs nothing but time', async (t) => {
  const pipeline = await layPipeline(t, ground)
  pipeline.startProcessor()

  const acknowledged = await streamThrough(pipeline, async () => {
    await ground.services.kafka.kill()
    await sleep(4000)
    t.is((await answerOf(`${pipeline.url}/health`))?.status, 200)
    await ground.services.kafka.start()
    const before = await countIn(pipeline, 'token_usage')
    const arrived = async () => (await countIn(pipeline, 'token_usage')) > before + 50
    const took = await eventually('events arrive again', arrived, 120_000)
    t.log(`events arrive again after ${took} ms`)
  })

  await storedExactly(t, pipeline, acknowledged)
})

test.serial(
  'bad messages are in the dead-letter topic with their reasons, and their neighbours are stored',
  async (t) => {
    const pipeline = await layPipeline(t, ground)
    pipeline.startProcessor()
    await pipeline.ready()
    const good = (id: number) =>
      JSON.stringify({
        event_id: `good-${id}`,
        ts: new Date().toISOString(),
        model: 'm',
        prompt_tokens: 300,
        completion_tokens: 100,
        latency_ms: 1,
        gpu_index: 0,
      })
    const bad: [Buffer | string | null, RegExp][] = [
      ['{"ts":', /not JSON/],
      [null, /empty/],
      [Buffer.from([0x7b, 0xff, 0x7d]), /not UTF-8/],
      ['[]', /JSON object/],
      [good(0).replace('300', '-300'), /prompt_tokens/],
      [good(0).replace('300', '1e999'), /prompt_tokens/],
      [good(0).replace(/"20\d\d-/, '"1970-'), /^ts/],
      [`{"__proto__":${good(0)}}`, /ts is missing/],
    ]
    const { token, deadLetters } = pipeline.topics
    const values = bad.flatMap(([value], place) => [value, good(place + 1)])

    await sendTo(ground.services.bootstrap, { topic: token, partition: 3, values })

    await eventually('the good ones are stored', async () => {
      return (await countIn(pipeline, 'token_usage')) === bad.length
    })
    // Letters are sent at least once: one that comes again has the same place in its headers.
    const places = async () => {
      const letters = await readTopic(ground.services.bootstrap, deadLetters)
      return new Set(letters.map(({ headers }) => Number(headers.offset)))
    }
    await eventually('the bad ones are there', async () => (await places()).size >= bad.length)
    t.deepEqual(
      [...(await places())].sort((a, b) => a - b),
      bad.map((_, place) => place * 2),
    )
    const letters = await readTopic(ground.services.bootstrap, deadLetters)
    for (const [place, [value, reason]] of bad.entries()) {
      const letter = letters.find(({ headers }) => headers.offset === String(place * 2))
      t.like(letter?.headers, { topic: token, partition: '3' })
      t.regex(letter?.headers.reason ?? '', reason)
      t.deepEqual(letter?.value, Buffer.from(value ?? ''))
    }
  },
)

test.serial('messages without an event id are stored by where they lie', async (t) => {
  const pipeline = await layPipeline(t, ground)
  pipeline.startProcessor()
  const value = JSON.stringify({
    ts: new Date().toISOString(),
    model: 'm',
    prompt_tokens: 300,
    completion_tokens: 100,
    latency_ms: 1,
    gpu_index: 0,
  })

  await sendTo(ground.services.bootstrap, {
    topic: pipeline.topics.other,
    partition: 1,
    values: [value, value],
  })

  await eventually('both are stored', async () => (await countIn(pipeline, 'token_usage')) === 2)
  const documents = await pipeline.documents('token_usage')
  t.deepEqual(documents.map(({ _id }) => String(_id)).sort(), [
    `${pipeline.topics.other}:1:0`,
    `${pipeline.topics.other}:1:1`,
  ])
  t.deepEqual(documents.map(({ tps }) => tps).sort(), [400, 800])
  t.is(documents[0]?.price_per_hour_usd, 0.85)
})

test.serial('started before Kafka and mongod are there, the processor waits and then works', async (t) => {
  const pipeline = await layPipeline(t, ground)
  await ground.services.kafka.kill()
  await ground.services.mongodb.kill()
  pipeline.startProcessor()
  await eventually('health', async () => (await answerOf(`${pipeline.url}/health`))?.status === 200)
  await sleep(3000)
  t.is((await answerOf(`${pipeline.url}/ready`))?.status, 503)
  await Promise.all([ground.services.kafka.start(), ground.services.mongodb.start()])

  t.log(`ready after ${await pipeline.ready()} ms`)
  const producer = pipeline.startProducer({ environment: { BATCH: '5', SLEEP_SEC: '0' } })
  const { stdout } = await producer.ended

  await storedExactly(t, pipeline, JSON.parse(stdout).acknowledged)
})

test.serial('a producer that Kafka does not answer gives up in time, and ends with 1', async (t) => {
  const pipeline = await layPipeline(t, ground)
  const producer = pipeline.startProducer({
    environment: { KAFKA_BOOTSTRAP: '127.0.0.1:9', BATCH: '3', SLEEP_SEC: '0', SEND_TIMEOUT_SEC: '1' },
  })

  const { exitCode, stdout } = await producer.ended

  t.is(exitCode, 1)
  t.like(JSON.parse(stdout), { complete: false, acknowledged: {} })
})

test.serial('the doctor says what it reaches, and ends with 1 where something is missing', async (t) => {
  const pipeline = await layPipeline(t, ground)

  const well = await pipeline.startProducer({ words: ['doctor', '--json'] }).ended
  const unwell = await pipeline.startProducer({
    words: ['doctor'],
    environment: { TOPIC_TOKEN: 'not.there', GPU_METRICS_SOURCE: 'nvml' },
  }).ended

  t.is(well.exitCode, 0)
  t.true(JSON.parse(well.stdout).findings.every(({ ok }: { ok: boolean }) => ok))
  t.is(unwell.exitCode, 1)
  t.regex(unwell.stdout, /^ok {6}kafka: /m)
  t.regex(unwell.stdout, /^failed {2}topic not\.there: /m)
  t.regex(unwell.stdout, /^failed {2}gpu source nvml: nvml is not available on this host/m)
})
