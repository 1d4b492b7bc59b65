import type { IHeaders, KafkaMessage, Message } from 'kafkajs'
import type {
  DeadLetter,
  LetterContent,
  LetterFilter,
  MessagePlace,
} from '../../engine/cli/pipeline-controls.ts'

/** What a replayed message says of itself, as runtime/replay.ts reads it. */
export const replayHeaders = { origin: 'sluice.origin', replays: 'sluice.replays' } as const

/** Marks a message of the topic as no letter but the note that one was replayed. */
const receiptHeader = 'sluice.receipt'

/** Before the names of headers that the message had itself. */
const ownHeader = 'header.'

export const placeName = ({ topic, partition, offset }: MessagePlace): string =>
  `${topic}:${partition}:${offset}`

const text = (value: IHeaders[string]): string => String(Array.isArray(value) ? value[0] : (value ?? ''))

const whole = (value: IHeaders[string]): number | undefined => {
  const written = text(value)
  return /^\d{1,15}$/.test(written) ? Number(written) : undefined
}

/** A message of the topic of dead letters: a letter, or the receipt of a replay. */
export function readEntry(
  partition: number,
  message: KafkaMessage,
): { letter: DeadLetter } | { receipt: { letter: string; to: string; at: string } } {
  const { offset, timestamp, value, headers = {} } = message
  const at = new Date(Number(timestamp)).toISOString()
  if (headers[receiptHeader] !== undefined) {
    return { receipt: { letter: text(headers[receiptHeader]), to: text(headers.to), at } }
  }
  const [place, within] = [whole(headers.partition), whole(headers.offset)]
  const from =
    headers.topic === undefined || place === undefined || within === undefined
      ? undefined
      : { topic: text(headers.topic), partition: place, offset: within }
  return {
    letter: {
      letter: `${partition}:${offset}`,
      at,
      from,
      origin: headers.origin === undefined ? from && placeName(from) : text(headers.origin),
      reason:
        headers.reason === undefined ? 'it says none: not the processor put it there' : text(headers.reason),
      bytes: whole(headers.truncated_from_bytes) ?? value?.length ?? 0,
      missing: missingOf(headers),
      replays: whole(headers.replays) ?? 0,
      replayed: undefined,
    },
  }
}

function missingOf(headers: IHeaders): string | undefined {
  const parts = [
    ...(headers.truncated_from_bytes === undefined ? [] : ['the end of its value']),
    ...(headers.key_truncated_from_bytes === undefined ? [] : ['the end of its key']),
    ...(headers.headers_dropped_bytes === undefined ? [] : ['its headers']),
  ]
  return parts.length === 0 ? undefined : parts.join(', ')
}

/** What the message was, as far as the letter has it. */
export function contentOf({ key, value, headers = {} }: KafkaMessage): LetterContent {
  return {
    key,
    value,
    headers: Object.fromEntries(
      Object.entries(ownHeaders(headers)).map(([name, written]) => [name, text(written)]),
    ),
  }
}

function ownHeaders(headers: IHeaders): IHeaders {
  const own = Object.entries(headers).filter(([name]) => name.startsWith(ownHeader))
  return Object.fromEntries(own.map(([name, value]) => [name.slice(ownHeader.length), value]))
}

/**
 * The message as it is sent again: its own bytes, key and headers, and beside them where it lay at first, which is
 * the identity of what it becomes, and how often it has been replayed.
 *
 * @param original the message where it came from, for a letter that does not have all of it
 */
export function toReplay(letter: DeadLetter, message: KafkaMessage, original?: KafkaMessage): Message {
  const { key, value } = original ?? message
  const own = original === undefined ? ownHeaders(message.headers ?? {}) : (original.headers ?? {})
  return {
    key,
    value,
    headers: {
      ...own,
      [replayHeaders.origin]: letter.origin,
      [replayHeaders.replays]: String(letter.replays + 1),
    },
  }
}

/** Whether a letter, of which the end of value and key may have been cut off, was made of this message. */
export function isMadeOf(letter: KafkaMessage, original: KafkaMessage): boolean {
  const begins = (whole: Buffer | null, part: Buffer | null): boolean =>
    whole === null || part === null ? whole === part : whole.subarray(0, part.length).equals(part)
  return begins(original.value, letter.value) && begins(original.key, letter.key)
}

/** The note that a letter was replayed. It follows the letter in its partition. */
export function toReceipt(letter: DeadLetter, to: string): Message {
  const [partition = ''] = letter.letter.split(':')
  return {
    key: letter.letter,
    value: null,
    partition: Number(partition),
    headers: { [receiptHeader]: letter.letter, to },
  }
}

/** Whether a letter is one of those that are meant. */
export function matches(letter: DeadLetter, filter: LetterFilter): boolean {
  const { letters, topic, partition, offsets, reason, replayed = false } = filter
  const { from, origin } = letter
  const names = [letter.letter, origin, from && placeName(from)]
  return (
    (replayed || letter.replayed === undefined) &&
    (letters === undefined || letters.some((name) => names.includes(name))) &&
    (topic === undefined || from?.topic === topic) &&
    (partition === undefined || from?.partition === partition) &&
    (offsets === undefined ||
      (from !== undefined && from.offset >= offsets.first && from.offset <= offsets.last)) &&
    (reason === undefined || letter.reason.toLowerCase().includes(reason.toLowerCase()))
  )
}
