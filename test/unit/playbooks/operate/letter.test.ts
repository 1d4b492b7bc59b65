import test from 'ava'
import type { IHeaders, KafkaMessage } from 'kafkajs'
import type { DeadLetter } from '../../../../engine/cli/pipeline-controls.ts'
import {
  contentOf,
  isMadeOf,
  matches,
  readEntry,
  replayHeaders,
  toReceipt,
  toReplay,
} from '../../../../playbooks/operate/letter.ts'
import * as runtime from '../../../../runtime/replay.ts'

const entry = (headers: IHeaders, value: string | null = '{'): KafkaMessage => ({
  key: Buffer.from('vm4'),
  value: value === null ? null : Buffer.from(value),
  timestamp: '1767225600000',
  attributes: 0,
  offset: '42',
  headers: Object.fromEntries(
    Object.entries(headers).map(([name, text]) => [name, Buffer.from(String(text))]),
  ),
})

const from = { topic: 'tokens', partition: '3', offset: '17' }

function letterOf(headers: IHeaders): DeadLetter {
  const read = readEntry(1, entry(headers))
  if (!('letter' in read)) throw new TypeError('it is a letter')
  return read.letter
}

test('a letter says where its message lay and why it is there', (t) => {
  t.deepEqual(letterOf({ ...from, reason: 'ts is missing', 'header.trace': 'abc' }), {
    letter: '1:42',
    at: '2026-01-01T00:00:00.000Z',
    from: { topic: 'tokens', partition: 3, offset: 17 },
    origin: 'tokens:3:17',
    reason: 'ts is missing',
    bytes: 1,
    missing: undefined,
    replays: 0,
    replayed: undefined,
  })
})

test('what somebody else put into the topic is a letter without a place', (t) => {
  const letter = letterOf({ topic: 'x', partition: 'one' })

  t.is(letter.from, undefined)
  t.is(letter.origin, undefined)
  t.regex(letter.reason, /not the processor/)
})

test('a replay has the message as it was, and what the processor knows it by', (t) => {
  const headers = { ...from, reason: 'x', 'header.trace': 'abc', origin: 'tokens:3:5', replays: '2' }
  const message = entry(headers)

  const sent = toReplay(letterOf(headers), message)

  t.is(sent.key, message.key)
  t.is(sent.value, message.value)
  t.is(String(sent.headers?.trace), 'abc')
  t.is(runtime.originOf(sent.headers), 'tokens:3:5')
  t.is(runtime.replaysOf(sent.headers), 3)
  t.deepEqual(Object.keys(sent.headers ?? {}).sort(), ['sluice.origin', 'sluice.replays', 'trace'])
  t.deepEqual(replayHeaders, runtime.replayHeaders)
})

test('a letter that lacks something is replayed from the message that it was made of', (t) => {
  const letter = letterOf({ ...from, truncated_from_bytes: '2000000', key_truncated_from_bytes: '20000' })
  const original = { ...entry({ trace: 'whole' }, 'x'.repeat(20)), key: Buffer.from('long') }

  const sent = toReplay(letter, entry(from), original)

  t.is(letter.bytes, 2_000_000)
  t.is(letter.missing, 'the end of its value, the end of its key')
  t.is(sent.value, original.value)
  t.is(sent.key, original.key)
  t.is(String(sent.headers?.trace), 'whole')
})

test('a letter is known by how its message begins, with and without a value', (t) => {
  const cut = (key: string, value: string | null) => ({ ...entry({}, value), key: Buffer.from(key) })
  const original = cut('host-4', '{"ts":1}')

  t.true(isMadeOf(cut('host', '{"ts"'), original))
  t.false(isMadeOf(cut('host', '{"id"'), original))
  t.false(isMadeOf(cut('vm', '{"ts"'), original))
  t.false(isMadeOf(cut('host', null), original))
  t.true(isMadeOf(cut('host', null), cut('host-4', null)))
})

test('a receipt is read as one, and lies in the partition of its letter', (t) => {
  const receipt = toReceipt(letterOf(from), 'tokens:3:99')

  t.is(receipt.partition, 1)
  t.deepEqual(readEntry(1, entry(receipt.headers ?? {}, null)), {
    receipt: { letter: '1:42', to: 'tokens:3:99', at: '2026-01-01T00:00:00.000Z' },
  })
})

test('letters are meant by their name, their place, their first place, and every filter at once', (t) => {
  const letter = letterOf({ ...from, reason: 'Host is missing', origin: 'tokens:3:5', replays: '1' })
  const meant = (filter: object) => matches(letter, filter)

  for (const name of ['1:42', 'tokens:3:17', 'tokens:3:5']) t.true(meant({ letters: [name] }), name)
  t.false(meant({ letters: ['1:4'] }))
  t.true(meant({ topic: 'tokens', partition: 3, offsets: { first: 17, last: 20 }, reason: 'host' }))
  t.false(meant({ topic: 'tokens', partition: 2 }))
  t.false(meant({ offsets: { first: 18, last: 20 } }))
  t.false(matches({ ...letter, replayed: { to: 'x', at: 'y' } }, {}))
  t.true(matches({ ...letter, replayed: { to: 'x', at: 'y' } }, { replayed: true }))
})

test('the headers of the message are shown without those of the letter', (t) => {
  t.deepEqual(contentOf(entry({ ...from, 'header.trace': 'abc' })).headers, { trace: 'abc' })
})
