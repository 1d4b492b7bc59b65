import { type Kafka, type KafkaMessage, type Message, Partitioners, type Producer } from 'kafkajs'
import type { DeadLetter, MessagePlace, ReplayOutcome } from '../../engine/cli/pipeline-controls.ts'
import { reasonOf } from '../../engine/errors.ts'
import { isMadeOf, placeName, toReceipt, toReplay } from './letter.ts'
import { rangesOf, readRanges } from './read-range.ts'

/** What is in memory at once. A message that is not known to fit counts with its length. */
const mostBytesAtOnce = 32_000_000

/** What is sent at once to one topic: a request to a partition may have 1 MB. */
const portion = { messages: 500, bytes: 500_000 }

interface Ready {
  letter: DeadLetter
  from: MessagePlace
  message: Message
  bytes: number
}

/**
 * Sends letters again as they were, to the partition that they came from, in the order of their offsets, and notes each
 * one in the topic of dead letters once it is acknowledged. Between the two a letter may be sent once more by the next
 * replay: what it becomes has the same identity, so it is there once.
 */
export async function replay(
  kafka: Kafka,
  topic: string,
  letters: readonly DeadLetter[],
  onOutcome: (outcome: ReplayOutcome) => void,
): Promise<void> {
  const producer = kafka.producer({
    allowAutoTopicCreation: false,
    createPartitioner: Partitioners.DefaultPartitioner,
  })
  try {
    await producer.connect()
    const partitions = await partitionCounts(kafka, letters)
    for (const some of portionsOf(inOrder(letters), mostBytesAtOnce, Number.POSITIVE_INFINITY)) {
      const ready = await prepare(kafka, topic, some, onOutcome)
      for (const group of Map.groupBy(ready, ({ from }) => from.topic).values()) {
        for (const batch of portionsOf(group, portion.bytes, portion.messages)) {
          await send(producer, topic, { batch, partitions }, onOutcome)
        }
      }
    }
  } finally {
    await producer.disconnect()
  }
}

const inOrder = (letters: readonly DeadLetter[]): DeadLetter[] =>
  letters.toSorted(
    ({ from: a }, { from: b }) =>
      (a?.topic ?? '').localeCompare(b?.topic ?? '') ||
      (a?.partition ?? 0) - (b?.partition ?? 0) ||
      (a?.offset ?? 0) - (b?.offset ?? 0),
  )

function* portionsOf<Part extends { bytes: number }>(
  parts: readonly Part[],
  mostBytes: number,
  mostParts: number,
): Generator<Part[]> {
  let some: Part[] = []
  let bytes = 0
  for (const part of parts) {
    if (some.length > 0 && (bytes + part.bytes > mostBytes || some.length === mostParts)) {
      yield some
      some = []
      bytes = 0
    }
    some.push(part)
    bytes += part.bytes
  }
  if (some.length > 0) yield some
}

/** A topic that was made anew may have fewer partitions than when the message lay in it. */
async function partitionCounts(
  kafka: Kafka,
  letters: readonly DeadLetter[],
): Promise<ReadonlyMap<string, number>> {
  const wanted = new Set(letters.flatMap(({ from }) => (from === undefined ? [] : [from.topic])))
  const admin = kafka.admin()
  try {
    await admin.connect()
    const { topics } = await admin.fetchTopicMetadata()
    const there = topics.filter(({ name }) => wanted.has(name))
    return new Map(there.map(({ name, partitions }) => [name, partitions.length]))
  } finally {
    await admin.disconnect()
  }
}

/** Reads what is in letters, and where a letter does not have all of it, what lies where it came from. */
async function prepare(
  kafka: Kafka,
  topic: string,
  letters: readonly DeadLetter[],
  onOutcome: (outcome: ReplayOutcome) => void,
): Promise<Ready[]> {
  const places = letters.map(({ letter }) => {
    const [partition = 0, offset = 0] = letter.split(':').map(Number)
    return { topic, partition, offset }
  })
  const cut = letters.flatMap(({ missing, from }) =>
    missing === undefined || from === undefined ? [] : [from],
  )
  const [found, originals] = [await messagesAt(kafka, places), await messagesAt(kafka, cut)]
  return letters.flatMap((letter, index) => {
    const refuse = (failure: string) => {
      onOutcome({ letter: letter.letter, failure })
      return []
    }
    const { from, missing } = letter
    const place = places[index]
    const message = place && found.get(placeName(place))
    if (message === undefined) return refuse(`it is no longer in ${topic}`)
    if (from === undefined) return refuse('it does not say where it came from')
    const original = missing === undefined ? undefined : originals.get(placeName(from))
    if (missing !== undefined && (original === undefined || !isMadeOf(message, original))) {
      return refuse(`it lacks ${missing}, and the message is no longer at ${placeName(from)}`)
    }
    return [{ letter, from, message: toReplay(letter, message, original), bytes: letter.bytes }]
  })
}

/** Messages by their places, as far as they are still there. */
async function messagesAt(kafka: Kafka, places: readonly MessagePlace[]): Promise<Map<string, KafkaMessage>> {
  const found = new Map<string, KafkaMessage>()
  for (const [topic, inTopic] of Map.groupBy(places, (place) => place.topic)) {
    const wanted = new Set(inTopic.map(placeName))
    const held = await rangesOf(kafka, topic)
    const ranges = new Map(
      [...Map.groupBy(inTopic, ({ partition }) => partition)].flatMap(([partition, some]) => {
        const range = held?.get(partition)
        const offsets = some
          .map(({ offset }) => offset)
          .filter((offset) => range !== undefined && offset >= range.first && offset <= range.last)
        if (offsets.length === 0) return []
        return [
          [
            partition,
            {
              first: offsets.reduce((a, b) => Math.min(a, b)),
              last: offsets.reduce((a, b) => Math.max(a, b)),
            },
          ],
        ] as const
      }),
    )
    await readRanges(kafka, { topic, ranges }, (partition, message) => {
      const name = placeName({ topic, partition, offset: Number(message.offset) })
      if (wanted.has(name)) found.set(name, message)
    })
  }
  return found
}

/** Sends some of one topic. */
async function send(
  producer: Producer,
  deadLetterTopic: string,
  { batch, partitions }: { batch: readonly Ready[]; partitions: ReadonlyMap<string, number> },
  onOutcome: (outcome: ReplayOutcome) => void,
): Promise<void> {
  const topic = batch[0]?.from.topic ?? ''
  const count = partitions.get(topic)
  const receipts: Message[] = []
  const outcomes: ReplayOutcome[] = []
  for (const [partition, some] of Map.groupBy(batch, ({ from }) => from.partition)) {
    const messages = some.map(({ message }) => ({ ...message, partition }))
    try {
      if (count === undefined) throw new Error(`Kafka has no topic ${topic}`)
      if (partition >= count) throw new Error(`${topic} has no partition ${partition} any more`)
      const [sent] = await producer.send({ topic, acks: -1, messages })
      const first = Number(sent?.baseOffset)
      for (const [index, { letter }] of some.entries()) {
        const to = placeName({ topic, partition, offset: first + index })
        receipts.push(toReceipt(letter, to))
        outcomes.push({ letter: letter.letter, to })
      }
    } catch (error) {
      const failure = reasonOf(error)
      for (const { letter } of some) outcomes.push({ letter: letter.letter, failure })
    }
  }
  if (receipts.length > 0) await producer.send({ topic: deadLetterTopic, acks: -1, messages: receipts })
  for (const outcome of outcomes) onOutcome(outcome)
}
