import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { decodeRecord } from '../../../runtime/producer/spool/record.ts'
import { type Logged, readTopic } from '../../support/kafka-log.ts'
import { type Ground, idsInLog, layPipeline, type Pipeline, prepareGround } from '../../support/pipeline.ts'
import { type Ended, eventually, type Program } from '../../support/programs.ts'

let ground: Ground

test.before(async () => {
  ground = await prepareGround()
})

test.after.always(async () => {
  await ground?.remove()
})

interface Report {
  iterations: number
  acknowledged: Record<string, number>
  recovered: Record<string, number>
  given_up: Record<string, number>
  spooled: Record<string, number>
  complete: boolean
}

const reportOf = ({ stdout }: Ended): Report => JSON.parse(stdout)

/** The producer of one test, with a spool of its own. */
async function spooling(pipeline: Pipeline, environment: Record<string, string> = {}) {
  const home = join(ground.directory, `spool-${Date.now()}`)
  const spool = join(home, 'spool')
  await mkdir(spool, { recursive: true })
  const start = (words: string[], more: Record<string, string> = {}): Program =>
    pipeline.startProducer({
      words,
      environment: {
        SPOOL_DIR: spool,
        METRICS_FILE: join(home, 'producer.prom'),
        HOSTNAME: 'vm4',
        SLEEP_SEC: '0.01',
        ...environment,
        ...more,
      },
    })
  const spooledBytes = async () => {
    const names = (await readdir(spool)).filter((name) => name.endsWith('.spool'))
    // A segment may be gone by the time that it is looked at.
    const sizes = await Promise.all(
      names.map((name) =>
        stat(join(spool, name)).then(
          ({ size }) => size,
          () => 0,
        ),
      ),
    )
    return sizes.reduce((sum, size) => sum + size, 0)
  }
  const metrics = () => readFile(join(home, 'producer.prom'), 'utf8')
  return { start, spooledBytes, metrics, spool }
}

/** The times of each event's first arrival, in the order of a partition. */
function firstArrivals(messages: Logged[]): string[] {
  const seen = new Set<string>()
  return messages.flatMap(({ value }) => {
    const { event_id, ts } = JSON.parse(value.toString())
    if (seen.has(event_id)) return []
    seen.add(event_id)
    return [ts]
  })
}

test.serial(
  'events made while Kafka is away outlive a kill of the producer and arrive in order, none missing',
  async (t) => {
    const pipeline = await layPipeline(t, ground)
    const { start, spooledBytes } = await spooling(pipeline)
    pipeline.startProcessor()
    const first = start(['--follow', '--marker', 'first'])
    await eventually('events arrive', async () => (await pipeline.documents('token_usage')).length > 50)

    await ground.services.kafka.kill()
    await eventually('the spool fills', async () => (await spooledBytes()) > 50_000)
    first.kill('SIGKILL')
    await first.ended
    const second = start(['--follow', '--marker', 'second'])
    const before = await spooledBytes()
    await eventually('it fills on', async () => (await spooledBytes()) > before + 20_000)
    await ground.services.kafka.start()
    const emptied = await eventually('the spool is empty', async () => (await spooledBytes()) === 0)
    await sleep(1000)
    second.kill('SIGTERM')
    const ended = await second.ended

    const report = reportOf(ended)
    const { bootstrap } = ground.services
    const usages = await idsInLog(bootstrap, pipeline.topics.token)
    t.log(`the spool was empty ${emptied} ms after Kafka was started; ${usages.length} events of a topic`)
    t.is(ended.exitCode, 0)
    t.like(report, {
      complete: true,
      spooled: {},
      given_up: {},
      iterations: report.acknowledged[pipeline.topics.token],
    })
    t.true((report.recovered[pipeline.topics.token] ?? 0) > 50)
    for (const topic of [pipeline.topics.metric, pipeline.topics.token]) {
      const partitions = Map.groupBy(await readTopic(bootstrap, topic), ({ partition }) => partition)
      for (const messages of partitions.values()) {
        const times = firstArrivals(messages)
        t.deepEqual(times, times.toSorted())
      }
    }
    await eventually('all are stored', async () => {
      return (await pipeline.documents('token_usage')).length === usages.length
    })
    const documents = await pipeline.documents('token_usage')
    t.deepEqual(documents.map(({ _id }) => String(_id)).sort(), usages)
    t.is(documents.filter(({ run }) => run === 'second').length, report.iterations)
  },
)

/** The identities of all events in a spool, whatever was acknowledged of them. */
async function idsInSpool(spool: string): Promise<string[]> {
  const names = (await readdir(spool)).filter((name) => name.endsWith('.spool')).sort()
  const ids: string[] = []
  for (const name of names) {
    const bytes = await readFile(join(spool, name))
    let read = decodeRecord(bytes, 0)
    while ('event' in read) {
      ids.push(JSON.parse(read.event.value).event_id)
      read = decodeRecord(bytes, read.next)
    }
  }
  return ids
}

test.serial(
  'killed again and again while it sends its spool, it loses and doubles nothing of it',
  async (t) => {
    t.timeout(600_000)
    const pipeline = await layPipeline(t, ground)
    const { start, spooledBytes, spool } = await spooling(pipeline, { SPOOL_MB: '64', SLEEP_SEC: '60' })
    pipeline.startProcessor()
    const away = start(['--follow'], { KAFKA_BOOTSTRAP: '127.0.0.1:9', SLEEP_SEC: '0' })
    await eventually('the spool fills', async () => (await spooledBytes()) > 20_000_000)
    away.kill('SIGKILL')
    await away.ended
    const waiting = await idsInSpool(spool)
    const position = () => readFile(join(spool, 'position'), 'utf8').catch(() => '')

    let kills = 0
    // Where it sends all before it can be killed four times, less will do.
    for (; kills < 4 && (await spooledBytes()) > 1_000_000; kills += 1) {
      const before = await position()
      const producer = start(['--follow'])
      await eventually('it sends', async () => (await position()) !== before)
      producer.kill('SIGKILL')
      await producer.ended
    }
    const last = await start([], { BATCH: '1', SEND_TIMEOUT_SEC: '300' }).ended

    t.true(kills > 0)
    t.is(last.exitCode, 0)
    const { metric, token } = pipeline.topics
    const { bootstrap } = ground.services
    const sent = [...(await idsInLog(bootstrap, metric)), ...(await idsInLog(bootstrap, token))].sort()
    const lost = new Set(waiting).difference(new Set(sent))
    t.is(lost.size, 0, `${lost.size} of ${waiting.length} were lost`)
    const stored = async () => [
      ...(await pipeline.documents('gpu_metrics')),
      ...(await pipeline.documents('token_usage')),
    ]
    await eventually('all are stored', async () => (await stored()).length >= sent.length)
    t.deepEqual((await stored()).map(({ _id }) => String(_id)).sort(), sent)
    const messages = [...(await readTopic(bootstrap, metric)), ...(await readTopic(bootstrap, token))].length
    t.log(`${waiting.length} events waited; after ${kills} kills ${messages - sent.length} came twice`)
  },
)

test.serial('a full spool keeps the oldest, loses the newest, and says so everywhere', async (t) => {
  const pipeline = await layPipeline(t, ground)
  const { start, metrics } = await spooling(pipeline, { SPOOL_MB: '0.05' })
  await ground.services.kafka.kill()
  const producer = start(['--follow'])
  const lost = new RegExp(
    `^sluice_producer_events_total\\{topic="${pipeline.topics.token}",result="given_up"\\} [1-9]`,
    'm',
  )
  await eventually('events are lost', async () => lost.test(await metrics().catch(() => '')))
  const full = await metrics()
  await ground.services.kafka.start()
  await eventually('the spool empties', async () => /^sluice_producer_spool_bytes 0$/m.test(await metrics()))
  producer.kill('SIGTERM')
  const ended = await producer.ended

  const report = reportOf(ended)
  const usages = await idsInLog(ground.services.bootstrap, pipeline.topics.token)
  t.is(ended.exitCode, 1)
  t.false(report.complete)
  t.is(usages.length, report.acknowledged[pipeline.topics.token] ?? 0)
  t.is(report.iterations, usages.length + (report.given_up[pipeline.topics.token] ?? 0))
  t.regex(full, /^sluice_producer_spool_limit_bytes 50000$/m)
  const said = await readFile(
    join(ground.directory, pipeline.topics.token.split('.')[0] ?? '', 'producer.log'),
    'utf8',
  )
  t.is(said.match(/THE SPOOL TAKES NO MORE/g)?.length, 1)
})

test.serial('a batch that is left in the spool ends with 1, and the next run sends it first', async (t) => {
  const pipeline = await layPipeline(t, ground)
  const { start } = await spooling(pipeline, { BATCH: '30', SLEEP_SEC: '0' })
  const { token } = pipeline.topics

  const away = await start([], { KAFKA_BOOTSTRAP: '127.0.0.1:9', SEND_TIMEOUT_SEC: '1' }).ended
  const back = await start([], { SEND_TIMEOUT_SEC: '300' }).ended

  t.is(away.exitCode, 1)
  t.like(reportOf(away), { iterations: 30, complete: false, acknowledged: {}, given_up: {} })
  t.is(reportOf(away).spooled[token], 30)
  t.is(back.exitCode, 0)
  t.like(reportOf(back), { iterations: 30, complete: true, spooled: {} })
  t.is(reportOf(back).recovered[token], 30)
  t.is(reportOf(back).acknowledged[token], 30)
  t.is((await idsInLog(ground.services.bootstrap, token)).length, 60)
})

test.serial('an event damaged in the spool counts as lost everywhere, and all others are sent', async (t) => {
  const pipeline = await layPipeline(t, ground)
  const { start, spool, metrics } = await spooling(pipeline, { BATCH: '30', SLEEP_SEC: '0' })
  const { token, metric } = pipeline.topics
  await start([], { KAFKA_BOOTSTRAP: '127.0.0.1:9', SEND_TIMEOUT_SEC: '1' }).ended
  const [name = ''] = (await readdir(spool)).filter((each) => each.endsWith('.spool'))
  const bytes = await readFile(join(spool, name))
  const place = Math.floor(bytes.length / 2)
  bytes[place] = (bytes[place] ?? 0) ^ 1
  await writeFile(join(spool, name), bytes)

  const back = await start([], { BATCH: '1' }).ended

  t.is(back.exitCode, 1)
  t.like(reportOf(back), { complete: false, spooled: {}, given_up: { unknown: 1 } })
  const { bootstrap } = ground.services
  t.is((await idsInLog(bootstrap, token)).length + (await idsInLog(bootstrap, metric)).length, 59 + 2)
  t.regex(await metrics(), /^sluice_producer_events_total\{topic="unknown",result="given_up"\} 1$/m)
  t.true((await readdir(spool)).includes(`${name}.damaged`))
  t.is((await start([], { BATCH: '1' }).ended).exitCode, 0)
})

test.serial('a batch during which Kafka comes back is complete and ends with 0', async (t) => {
  const pipeline = await layPipeline(t, ground)
  // Kafka starts in two seconds, on a machine with much else to do in a minute.
  const { start } = await spooling(pipeline, { BATCH: '100', SEND_TIMEOUT_SEC: '240' })
  await ground.services.kafka.kill()
  const producer = start([])
  await sleep(3000)
  await ground.services.kafka.start()

  const ended = await producer.ended

  t.is(ended.exitCode, 0)
  t.like(reportOf(ended), { complete: true, spooled: {}, given_up: {} })
  t.is((await idsInLog(ground.services.bootstrap, pipeline.topics.token)).length, 100)
})

test.serial('asked to stop while Kafka is away it ends at once, with 0, and keeps what it has', async (t) => {
  const pipeline = await layPipeline(t, ground)
  const { start, spooledBytes } = await spooling(pipeline)
  const producer = start(['--follow'], { KAFKA_BOOTSTRAP: '127.0.0.1:9' })
  await eventually('the spool fills', async () => (await spooledBytes()) > 5000)

  const askedAt = Date.now()
  producer.kill('SIGTERM')
  const ended = await producer.ended

  t.is(ended.exitCode, 0)
  t.true(Date.now() - askedAt < 5000, String(Date.now() - askedAt))
  const { spooled, iterations } = reportOf(ended)
  t.is(spooled[pipeline.topics.token], iterations)
})

test.serial('two producers never share a spool', async (t) => {
  const pipeline = await layPipeline(t, ground)
  const { start, metrics } = await spooling(pipeline)
  const first = start(['--follow'])
  await eventually('it runs', async () => /_total/.test(await metrics().catch(() => '')))

  const second = await start([]).ended

  first.kill('SIGTERM')
  t.is(second.exitCode, 1)
  t.is((await first.ended).exitCode, 0)
})

test.serial('memory stays bounded while Kafka is away and events are made as fast as they can', async (t) => {
  const pipeline = await layPipeline(t, ground)
  const { start, spooledBytes } = await spooling(pipeline, { SLEEP_SEC: '0', SPOOL_MB: '64' })
  await ground.services.kafka.kill()
  const producer = start(['--follow'])
  await eventually('the spool is nearly full', async () => (await spooledBytes()) > 63_000_000)
  const status = await readFile(`/proc/${producer.pid}/status`, 'utf8')
  const peakMb = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024
  await ground.services.kafka.start()
  const took = await eventually('the spool is empty', async () => (await spooledBytes()) === 0)
  producer.kill('SIGTERM')
  const ended = await producer.ended

  t.log(`peak ${Math.round(peakMb)} MB; 64 MB were sent within ${took} ms of the start of Kafka`)
  t.true(peakMb < 256, String(peakMb))
  const usages = await idsInLog(ground.services.bootstrap, pipeline.topics.token)
  t.is(usages.length, reportOf(ended).acknowledged[pipeline.topics.token] ?? 0)
})
