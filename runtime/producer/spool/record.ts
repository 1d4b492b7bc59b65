import { crc32 } from 'node:zlib'

/** An event as it waits on disk. */
export interface SpooledEvent {
  topic: string
  key: string
  value: string
}

/** The length of what follows, the same with every bit turned over, and the checksum of what follows. */
const headerBytes = 12

/** So a length that was damaged is not taken for a record that was cut short. */
const complement = (length: number): number => ~length >>> 0

/** The lengths of topic and key: a record of fewer bytes, such as a stretch of zeros, is none. */
const leastBytes = 4

/** Longer than any event of ours: a length beyond it was never written. */
const mostBytes = 16 * 1024 * 1024

/** What stopped the reading of a segment: its end, a record cut short, or one that is not what was written. */
export type SegmentEnd = 'whole' | 'torn' | 'damaged'

/**
 * One event as a record: the length of the rest as 32 bits, its complement, the CRC-32 of the rest, and the rest: the
 * length of the topic as 16 bits, the topic, the same of the key, and the value up to the end. Numbers are
 * little-endian, texts UTF-8.
 */
export function encodeRecord({ topic, key, value }: SpooledEvent): Buffer {
  const topicBytes = Buffer.byteLength(topic)
  const keyBytes = Buffer.byteLength(key)
  const length = leastBytes + topicBytes + keyBytes + Buffer.byteLength(value)
  if (length > mostBytes) throw new TypeError(`an event of ${length} bytes is longer than a record may be`)
  const record = Buffer.allocUnsafe(headerBytes + length)
  let place = record.writeUInt16LE(topicBytes, headerBytes)
  place += record.write(topic, place)
  place = record.writeUInt16LE(keyBytes, place)
  place += record.write(key, place)
  record.write(value, place)
  record.writeUInt32LE(length, 0)
  record.writeUInt32LE(complement(length), 4)
  record.writeUInt32LE(crc32(record.subarray(headerBytes)), 8)
  return record
}

type Reading = { event: SpooledEvent; next: number } | { end: SegmentEnd }

/**
 * The event that begins at `from` and where the next one begins, or why there is none. Zeros up to the end are a record
 * cut short: after a loss of power a file can be as long as it was to become, without what was to be in it.
 */
export function decodeRecord(bytes: Buffer, from: number): Reading {
  const reading = recordAt(bytes, from)
  const isTorn = isDamaged(reading) && bytes.subarray(from).every((byte) => byte === 0)
  return isTorn ? { end: 'torn' } : reading
}

const isDamaged = (reading: Reading): boolean => 'end' in reading && reading.end === 'damaged'

function recordAt(bytes: Buffer, from: number): Reading {
  const rest = bytes.length - from
  if (rest === 0) return { end: 'whole' }
  if (rest < headerBytes) return { end: 'torn' }
  const length = bytes.readUInt32LE(from)
  if (bytes.readUInt32LE(from + 4) !== complement(length)) return { end: 'damaged' }
  if (length < leastBytes || length > mostBytes) return { end: 'damaged' }
  if (rest < headerBytes + length) return { end: 'torn' }
  const next = from + headerBytes + length
  const body = bytes.subarray(from + headerBytes, next)
  if (crc32(body) !== bytes.readUInt32LE(from + 8)) return { end: 'damaged' }
  const keyAt = 2 + body.readUInt16LE(0)
  if (keyAt + 2 > length) return { end: 'damaged' }
  const valueAt = keyAt + 2 + body.readUInt16LE(keyAt)
  if (valueAt > length) return { end: 'damaged' }
  const event = {
    topic: body.toString('utf8', 2, keyAt),
    key: body.toString('utf8', keyAt + 2, valueAt),
    value: body.toString('utf8', valueAt),
  }
  return { event, next }
}

/**
 * Behind a record that is damaged: where the next whole one begins, or the bytes end, and how many are lost in between.
 * Where also the length of one is damaged, what follows it up to the next whole one counts as one record.
 */
export function skipDamage(bytes: Buffer, from: number): { next: number; lost: number } {
  let place = from
  let lost = 0
  while (place < bytes.length) {
    if (!isDamaged(decodeRecord(bytes, place))) break
    lost += 1
    place = endOfDamaged(bytes, place)
  }
  return { next: place, lost }
}

/** Where a damaged record ends, by its own length where that is as it was written. */
function endOfDamaged(bytes: Buffer, from: number): number {
  const length = bytes.readUInt32LE(from)
  const end = from + headerBytes + length
  if (bytes.readUInt32LE(from + 4) === complement(length) && end <= bytes.length) return end
  let place = from + 1
  while (place < bytes.length && 'end' in recordAt(bytes, place)) place += 1
  return place
}
