import { appendFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import test from 'ava'
import { createLog } from '../../../../runtime/log.ts'
import type { Sender } from '../../../../runtime/producer/sender.ts'
import { encodeRecord, type SpooledEvent } from '../../../../runtime/producer/spool/record.ts'
import { Spool } from '../../../../runtime/producer/spool/spool.ts'
import { SpoolingOutbox } from '../../../../runtime/producer/spooling-outbox.ts'

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

    for (let waited = 0; waited < 100 && sent.length === 0; waited += 1) await sleep(5)
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
    await sleep(20)
    away = false
    t.is(await outbox.put([event(outage)], never), 'acknowledged')
  }

  t.is(said.filter((message) => message.startsWith('THE SPOOL TAKES NO MORE')).length, 2)
  t.deepEqual(outbox.counts, { acknowledged: { t: 2 }, recovered: {}, given_up: { t: 4 } })
  await outbox.close()
})
