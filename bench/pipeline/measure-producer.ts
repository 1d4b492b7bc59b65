import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Kafka, logLevel } from 'kafkajs'
import { bundleRuntime } from '../../runtime/bundle.ts'
import type { ProducerRun } from './figures.ts'
import { type Ground, makeTopics } from './ground.ts'
import { endedEarly, startProgram } from './program.ts'
import { cpuMsOf, peakMbOf } from './usage.ts'

/** Has our producer send events without a pause, and counts what lies in Kafka before and after. */
export async function measureProducer(
  ground: Ground,
  { seconds, signal }: { seconds: number; signal: AbortSignal },
): Promise<ProducerRun> {
  const directory = await mkdtemp(join(ground.directory, 'producer-'))
  const bundle = await bundleRuntime('producer', directory)
  const topics = await makeTopics(ground, 'produced')
  const log = join(directory, 'producer.log')
  const { bootstrap } = ground.services
  const admin = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  const sent = async () => {
    const offsets = await Promise.all(Object.values(topics).map((topic) => admin.fetchTopicOffsets(topic)))
    return offsets.flat().reduce((sum, { high }) => sum + Number(high), 0)
  }
  const program = await startProgram([process.execPath, bundle, '--follow'], {
    log,
    environment: {
      KAFKA_BOOTSTRAP: bootstrap,
      TOPIC_METRIC: topics.gpu,
      TOPIC_TOKEN: topics.token,
      KAFKA_TOPIC: topics.token,
      GPU_METRICS_SOURCE: 'seed',
      SLEEP_SEC: '0',
      SPOOL_DIR: join(directory, 'spool'),
    },
  })
  let ended = false
  void program.ended.then(() => {
    ended = true
  })
  const wait = async (until: () => Promise<boolean> | boolean) => {
    while (!(await until())) {
      signal.throwIfAborted()
      if (ended) throw await endedEarly('the producer', log)
      await sleep(100)
    }
  }
  try {
    // Its start is not of the measure, and neither is what Node takes to compile.
    await wait(async () => (await sent()) >= 20_000)
    const before = { messages: await sent(), cpuMs: cpuMsOf(program.pid), at: performance.now() }
    await wait(() => performance.now() - before.at >= seconds * 1000)
    const messages = (await sent()) - before.messages
    return {
      messages,
      seconds: (performance.now() - before.at) / 1000,
      cpuMs: cpuMsOf(program.pid) - before.cpuMs,
      peakMb: peakMbOf(program.pid),
    }
  } finally {
    await program.stop()
    await admin.disconnect()
  }
}
