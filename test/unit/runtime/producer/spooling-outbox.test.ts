import { appendFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import test from 'ava'
import { createLog } from '../../../../runtime/log.ts'
import type { Sender } from '../../../../runtime/producer/sender.ts'
import { encodeRecord, type SpooledEvent } from '../../../../runtime/producer/spool/record.ts'
import { Spool } from '../../../../runtime/producer/spool/spool.ts'
import { SpoolingOutbox } from '../../../../runtime/producer/spooling-outbox.ts'
import { eventually } from '../../../support/programs.ts'

const event = (id: number): SpooledEvent => ({ topic: 't', key: 'vm4', value: `{"event_id":"${id}"}` })
const log = createLog('test', 'silent', 'stderr')
const fewBytes = 10
const never = new AbortController().signal

test('events that are put while the last of the spool is let go of are not left in it', async (t) => {
  for (let turns = 0; turns < 40; turns += 1) {
    const directory = await mkdtemp(join(tmpdir(), 'sluice-outbox-'))
    t.teardown(() => rm(directory, { recursive: true }))
    await appendFile(join(directory, '000000000001.spool'), encodeRecord(event(0)).subarray(0, 20))
    const sent: SpooledEvent[] = []
    const sender = {
      attempt: async (requests) => {
        for (const { topic, messages } of requests) {
          for (const { key, value } of messages) sent.push({ topic, key: String(key), value: String(value) })
        }
      },
      close: async () => undefined,
    } satisfies Pick<Sender, 'attempt' | 'close'>
    const spool = await Spool.open({ directory, limitBytes: 1_000_000, log })
    const outbox = new SpoolingOutbox(sender as unknown as Sender, spool, log)
    for (let passed = 0; passed < turns; passed += 1) await turn()

    t.not(await outbox.put([event(1)], never), 'given up')

    await outbox.settle(never, true)
    t.deepEqual(sent, [event(1)], `after ${turns} turns of the event loop`)
    await outbox.close()
  }
})

test('a spool that takes no more says so in each outage anew', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-outbox-'))
  t.teardown(() => rm(directory, { recursive: true }))
  const said: string[] = []
  const heard = createLog('test', 'silent', 'stderr')
  heard.error = ((_: object, message: string) => said.push(message)) as never
  let away = false
  const sender = {
    attempt: async () => {
      if (away) throw new Error('Kafka is away')
    },
    close: async () => undefined,
  } satisfies Pick<Sender, 'attempt' | 'close'>
  const spool = await Spool.open({ directory, limitBytes: fewBytes, log: heard })
  const outbox = new SpoolingOutbox(sender as unknown as Sender, spool, heard)

  for (const outage of [1, 2]) {
    away = true
    t.is(await outbox.put([event(outage)], never), 'given up')
    t.is(await outbox.put([event(outage)], never), 'given up')
    // Events go to Kafka itself again once nothing waits any more.
    await outbox.settle(never, true)
    away = false
    t.is(await outbox.put([event(outage)], never), 'acknowledged')
  }

  t.is(said.filter((message) => message.startsWith('THE SPOOL TAKES NO MORE')).length, 2)
  t.deepEqual(outbox.counts, { acknowledged: { t: 2 }, recovered: {}, given_up: { t: 4 } })
  await outbox.close()
})

test('a spool at its brim says once that it takes no more, however often one more event fits', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-outbox-'))
  t.teardown(() => rm(directory, { recursive: true }))
  const said: string[] = []
  const heard = createLog('test', 'silent', 'stderr')
  heard.error = ((_: object, message: string) => said.push(message)) as never
  heard.warn = heard.error
  const alarms = () => said.filter((message) => /takes (no more|events again)/i.test(message))
  const away = () => Promise.reject<void>(new Error('Kafka is away'))
  let attempts = 0
  let answer = away
  const sender = {
    attempt: () => {
      attempts += 1
      return answer()
    },
    close: async () => undefined,
  } satisfies Pick<Sender, 'attempt' | 'close'>
  const room = 20
  const limitBytes = encodeRecord(event(1)).length * room
  const spool = await Spool.open({ directory, limitBytes, log: heard })
  const outbox = new SpoolingOutbox(sender as unknown as Sender, spool, heard)
  const put = () => outbox.put([event(1)], never)
  const fill = async () => {
    // What is being sent is a part of its own on disk: the first event alone, and later all the others.
    const before = attempts
    t.is(await put(), 'spooled')
    await eventually('it was tried by itself and out of the spool', async () => attempts >= before + 2)
    for (let count = 1; count < room; count += 1) t.is(await put(), 'spooled')
    t.is(await put(), 'given up')
  }

  await fill()
  const others = Promise.withResolvers<void>()
  let acknowledged = 0
  answer = async () => {
    acknowledged += 1
    if (acknowledged > 1) await others.promise
  }
  await eventually('the first is sent', async () => spool.bytes < limitBytes)
  t.is(await put(), 'spooled')
  t.is(await put(), 'given up')
  t.deepEqual(alarms(), ['THE SPOOL TAKES NO MORE: new events are lost until there is room'])

  others.resolve()
  await outbox.settle(never, true)
  answer = away
  await fill()
  t.deepEqual(alarms().slice(1), [
    'the spool takes events again',
    'THE SPOOL TAKES NO MORE: new events are lost until there is room',
  ])
  await outbox.close()
})
