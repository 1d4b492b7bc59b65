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
