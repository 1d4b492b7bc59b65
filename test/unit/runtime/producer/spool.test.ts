import {
  appendFile,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import { createLog } from '../../../../runtime/log.ts'
import { SpoolError } from '../../../../runtime/producer/spool/lock.ts'
import {
  decodeRecord,
  encodeRecord,
  type SpooledEvent,
  skipDamage,
} from '../../../../runtime/producer/spool/record.ts'
import { Spool } from '../../../../runtime/producer/spool/spool.ts'

const text = (maxLength: number) => fc.string({ unit: 'grapheme', maxLength })
const anyEvent = fc.record({ topic: text(40), key: text(40), value: text(400) })
const anyEvents = fc.array(anyEvent, { minLength: 1, maxLength: 30 })

const event = (id: number): SpooledEvent => ({ topic: 't', key: 'vm4', value: `{"event_id":"${id}"}` })
const all = { events: 10_000, bytes: 10_000_000 }

async function folder(t: ExecutionContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-spool-'))
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  return directory
}

/** Opens a spool that keeps what it says in the log. */
async function opened(directory: string, limitBytes = 1_000_000) {
  const said: string[] = []
  const log = createLog('test', 'fatal', 'stderr')
  log.error = ((_: object, message: string) => said.push(message)) as never
  log.warn = log.error
  return { spool: await Spool.open({ directory, limitBytes, log }), said }
}

async function taken(spool: Spool, events = all.events): Promise<SpooledEvent[]> {
  const found: SpooledEvent[] = []
  for (let portion = await spool.peek({ ...all, events }); portion !== undefined; ) {
    found.push(...portion.events)
    await spool.forget(portion)
    portion = await spool.peek({ ...all, events })
  }
  return found
}

/** All events that a stretch of bytes gives, and how it ends. */
function read(bytes: Buffer): { events: SpooledEvent[]; end: string } {
  const events: SpooledEvent[] = []
  for (let place = 0; ; ) {
    const found = decodeRecord(bytes, place)
    if ('end' in found) return { events, end: found.end }
    events.push(found.event)
    place = found.next
  }
}

test('whatever is written as records is read back', (t) => {
  fc.assert(
    fc.property(anyEvents, (events) => {
      t.deepEqual(read(Buffer.concat(events.map(encodeRecord))), { events, end: 'whole' })
    }),
  )
})

test('wherever a segment is cut off, all records before the cut are read and nothing else', (t) => {
  fc.assert(
    fc.property(anyEvents, fc.nat(), (events, somewhere) => {
      const records = events.map(encodeRecord)
      const bytes = Buffer.concat(records)
      const cut = somewhere % bytes.length
      const ends = records.map((_, index) => Buffer.concat(records.slice(0, index + 1)).length)
      const whole = ends.filter((end) => end <= cut).length

      const found = read(bytes.subarray(0, cut))

      t.deepEqual(found.events, events.slice(0, whole))
      t.is(found.end, cut === 0 || ends.includes(cut) ? 'whole' : 'torn')
    }),
  )
})

test('whichever byte is changed, no event is read that was not written', (t) => {
  fc.assert(
    fc.property(anyEvents, fc.nat(), fc.integer({ min: 1, max: 255 }), (events, somewhere, change) => {
      const bytes = Buffer.concat(events.map(encodeRecord))
      const place = somewhere % bytes.length
      bytes[place] = (bytes[place] ?? 0) ^ change

      const found = read(bytes)

      t.is(found.end, 'damaged')
      t.deepEqual(found.events, events.slice(0, found.events.length))
    }),
  )
})

test('zeros up to the end, as a loss of power can leave them, are a record cut short and no event', (t) => {
  const record = encodeRecord(event(1))

  t.deepEqual(read(Buffer.alloc(4096)), { events: [], end: 'torn' })
  t.deepEqual(read(Buffer.concat([record, Buffer.alloc(4096)])), { events: [event(1)], end: 'torn' })
})

test('zeros with a record behind them are damage, of which the end is found in little time', (t) => {
  const zeros = Buffer.alloc(4 * 1024 * 1024)

  t.deepEqual(read(Buffer.concat([zeros, encodeRecord(event(1))])), { events: [], end: 'damaged' })
  t.deepEqual(skipDamage(Buffer.concat([zeros, encodeRecord(event(1))]), 0), { next: zeros.length, lost: 1 })
})

test('however adding, taking and restarting follow one another, events come out once and in order', async (t) => {
  const steps = fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant('add' as const), events: fc.integer({ min: 1, max: 40 }) }),
      fc.record({ kind: fc.constant('take' as const), events: fc.integer({ min: 1, max: 40 }) }),
      fc.constant({ kind: 'restart' as const, events: 0 }),
    ),
    { maxLength: 25 },
  )
  await fc.assert(
    fc.asyncProperty(steps, async (sequence) => {
      const directory = await folder(t)
      let { spool } = await opened(directory)
      let added = 0
      const found: SpooledEvent[] = []
      for (const { kind, events } of sequence) {
        if (kind === 'add') {
          const more = Array.from({ length: events }, (_, index) => event(added + index))
          added += events
          t.true(await spool.append(more))
        } else if (kind === 'take') {
          const portion = await spool.peek({ ...all, events })
          found.push(...(portion?.events ?? []))
          if (portion !== undefined) await spool.forget(portion)
        } else {
          await spool.close()
          spool = (await opened(directory)).spool
        }
      }
      found.push(...(await taken(spool)))
      await spool.close()
      t.deepEqual(
        found,
        Array.from({ length: added }, (_, index) => event(index)),
      )
      t.true(spool.empty)
    }),
    { numRuns: 60 },
  )
})

test('what was taken but not let go of is there again after a restart', async (t) => {
  const directory = await folder(t)
  const first = await opened(directory)
  await first.spool.append([event(1), event(2), event(3)])
  const portion = await first.spool.peek({ ...all, events: 1 })
  if (portion === undefined) throw new TypeError('there are events')
  await first.spool.forget(portion)
  await first.spool.peek(all)
  await first.spool.close()

  const second = await opened(directory)

  t.deepEqual(await second.spool.count(), { t: 2 })
  const again = await second.spool.peek(all)
  t.deepEqual(again?.events, [event(2), event(3)])
  t.true(again?.earlier)
  await second.spool.close()
})

test('a full spool keeps the oldest and refuses the newest, and takes more once there is room', async (t) => {
  const directory = await folder(t)
  const size = encodeRecord(event(1)).length
  const { spool } = await opened(directory, size * 3)

  t.true(await spool.append([event(1), event(2)]))
  t.false(await spool.append([event(3), event(4)]))
  t.true(await spool.append([event(5)]))
  t.false(await spool.append([event(6)]))

  t.deepEqual(await taken(spool), [event(1), event(2), event(5)])
  t.true(await spool.append([event(7)]))
  t.deepEqual(await taken(spool), [event(7)])
  await spool.close()
})

test('the spool never takes more of the disk than it may', async (t) => {
  const directory = await folder(t)
  const limit = 9_000_000
  const { spool } = await opened(directory, limit)
  const many = Array.from({ length: 500 }, (_, id) => ({ ...event(id), value: 'x'.repeat(1000) }))
  let kept = 0
  while (await spool.append(many)) kept += many.length

  const sizes = (await readdir(directory)).map(async (name) => (await stat(join(directory, name))).size)
  const used = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
  t.true(used <= limit && used > limit - 1_000_000, String(used))
  t.is((await taken(spool, 700)).length, kept)
  t.true(spool.empty)
  await spool.close()
})

test('a record that a crash cut short is said, and what is written after it is read', async (t) => {
  const directory = await folder(t)
  const first = await opened(directory)
  await first.spool.append([event(1), event(2)])
  await first.spool.close()
  await truncate(join(directory, '000000000001.spool'), encodeRecord(event(1)).length + 7)

  const second = await opened(directory)
  await second.spool.append([event(3)])

  t.deepEqual(await taken(second.spool), [event(1), event(3)])
  t.deepEqual(second.said, ['the last record of a segment was cut short by a crash'])
  await second.spool.close()
})

test('a segment that a loss of power filled up with zeros gives all its events, and none counts as lost', async (t) => {
  const directory = await folder(t)
  const first = await opened(directory)
  await first.spool.append([event(1)])
  await first.spool.close()
  await appendFile(join(directory, '000000000001.spool'), Buffer.alloc(4096))

  const second = await opened(directory)
  t.deepEqual(await second.spool.count(), { t: 1 })
  await second.spool.append([event(2)])

  t.deepEqual(await taken(second.spool), [event(1), event(2)])
  t.is(second.spool.lost, 0)
  t.deepEqual(second.said, ['the last record of a segment was cut short by a crash'])
  await second.spool.close()
})

test('a damaged segment gives what comes before and behind the damage, counts the rest, and is kept for a person to look at', async (t) => {
  const directory = await folder(t)
  const first = await opened(directory)
  await first.spool.append([event(1), event(2), event(3)])
  await first.spool.close()
  const path = join(directory, '000000000001.spool')
  const handle = await open(path, 'r+')
  await handle.write('?', encodeRecord(event(1)).length + 20)
  await handle.close()

  const second = await opened(directory)
  t.deepEqual(await second.spool.count(), { t: 2 })
  await second.spool.append([event(4)])

  t.deepEqual(await taken(second.spool), [event(1), event(3), event(4)])
  t.is(second.spool.lost, 1)
  t.deepEqual(second.said, ['A PART OF THE SPOOL IS DAMAGED: its events are lost, those behind it are not'])
  t.true((await readFile(`${path}.damaged`)).length > 0)
  t.true(second.spool.empty)
  await second.spool.close()
})

test('damage that was counted is not counted again by the next run', async (t) => {
  const directory = await folder(t)
  const first = await opened(directory)
  await first.spool.append([event(1), event(2), event(3)])
  await first.spool.close()
  const handle = await open(join(directory, '000000000001.spool'), 'r+')
  await handle.write('?', 3)
  await handle.close()
  const second = await opened(directory)
  await second.spool.peek({ ...all, events: 1 })
  t.is(second.spool.lost, 1)
  await second.spool.close()

  const third = await opened(directory)

  t.deepEqual(await taken(third.spool), [event(2), event(3)])
  t.is(third.spool.lost, 0)
  await third.spool.close()
})

test('whatever is damaged, all events that are whole are read in their order, and as many count as lost', (t) => {
  fc.assert(
    fc.property(
      anyEvents,
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 4 }),
      (events, changes) => {
        const records = events.map(encodeRecord)
        const ends = records.map((_, index) => Buffer.concat(records.slice(0, index + 1)).length)
        const bytes = Buffer.concat(records)
        const original = Buffer.from(bytes)
        for (const [somewhere, change] of changes) {
          const place = somewhere % bytes.length
          bytes[place] = (bytes[place] ?? 0) ^ change
        }
        const whole = events.filter((_, index) => {
          const from = ends[index - 1] ?? 0
          return bytes.subarray(from, ends[index]).equals(original.subarray(from, ends[index]))
        })

        const found: SpooledEvent[] = []
        let lost = 0
        for (let place = 0; place < bytes.length; ) {
          const record = decodeRecord(bytes, place)
          if (!('end' in record)) {
            found.push(record.event)
            place = record.next
          } else {
            const skipped = skipDamage(bytes, place)
            lost += skipped.lost
            place = skipped.next
          }
        }

        t.deepEqual(found, whole)
        t.true(lost <= events.length - whole.length)
        t.is(lost > 0, whole.length < events.length)
      },
    ),
  )
})

test('a position that cannot be read costs only that events are sent once more', async (t) => {
  const directory = await folder(t)
  const first = await opened(directory)
  await first.spool.append([event(1), event(2)])
  const portion = await first.spool.peek({ ...all, events: 1 })
  if (portion === undefined) throw new TypeError('there are events')
  await first.spool.forget(portion)
  await first.spool.close()
  await writeFile(join(directory, 'position'), '{"segm')

  const second = await opened(directory)

  t.deepEqual(await taken(second.spool), [event(1), event(2)])
  await second.spool.close()
})

test('a spool is emptied although its position cannot be written, as on a full disk', async (t) => {
  const directory = await folder(t)
  const { spool, said } = await opened(directory)
  await spool.append([event(1), event(2), event(3)])
  await mkdir(join(directory, 'position.staged'))

  t.deepEqual(await taken(spool, 1), [event(1), event(2), event(3)])

  t.true(spool.empty)
  t.deepEqual([...new Set(said)], ['how far the spool is sent could not be written'])
  await spool.close()
})

test('a spool is of one process only, until that ends', async (t) => {
  const directory = await folder(t)
  const { spool } = await opened(directory)

  await t.throwsAsync(opened(directory), { instanceOf: SpoolError, message: /another producer uses/ })
  await spool.close()

  const { spool: successor } = await opened(directory)
  t.true(successor.empty)
  await successor.close()
})

test('a directory that cannot be made is an error with advice', async (t) => {
  const directory = await folder(t)
  await appendFile(join(directory, 'file'), '')

  const error = await t.throwsAsync(opened(join(directory, 'file', 'spool')), { instanceOf: SpoolError })

  t.regex(error?.advice ?? '', /SPOOL_DIR/)
})
