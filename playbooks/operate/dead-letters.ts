import type { Kafka, KafkaMessage } from 'kafkajs'
import type {
  DeadLetter,
  DeadLetterControls,
  DeadLetterTopic,
  LetterContent,
  LetterFilter,
} from '../../engine/cli/pipeline-controls.ts'
import { SluiceError } from '../../engine/errors.ts'
import { withKafka } from '../verify/kafka.ts'
import { contentOf, matches, readEntry } from './letter.ts'
import { withBrokers } from './members.ts'
import { rangesOf, readRanges } from './read-range.ts'
import { replay } from './replay.ts'

/** The topic of dead letters, through the connections to the hosts of Kafka. */
export const deadLetterControls: DeadLetterControls = {
  open: (access, topic, use) =>
    withBrokers(access, (brokers) => withKafka(brokers, (kafka) => use(deadLetterTopic(kafka, topic)))),
}

/** The topic of dead letters of a cluster. */
export function deadLetterTopic(kafka: Kafka, topic: string): DeadLetterTopic {
  return {
    list: (filter) => list(kafka, topic, filter),
    content: (letter) => content(kafka, topic, letter),
    replay: (letters, onOutcome) => replay(kafka, topic, letters, onOutcome),
  }
}

async function list(kafka: Kafka, topic: string, filter: LetterFilter): Promise<DeadLetter[]> {
  const letters = new Map<string, DeadLetter>()
  const ranges = await rangesOf(kafka, topic)
  if (ranges === undefined) {
    throw new SluiceError('LETTER_UNKNOWN', {
      subject: `Kafka has no topic ${topic}`,
      advice: 'the processor makes it when it starts; name another with --dead-letters',
    })
  }
  await readRanges(kafka, { topic, ranges }, (partition, message) => {
    const entry = readEntry(partition, message)
    if ('letter' in entry) {
      letters.set(entry.letter.letter, entry.letter)
      return
    }
    const { letter: name, to, at } = entry.receipt
    // A receipt can outlive its letter by a moment.
    const letter = letters.get(name)
    if (letter !== undefined) letter.replayed = { to, at }
  })
  return [...letters.values()]
    .filter((letter) => matches(letter, filter))
    .sort((a, b) => a.at.localeCompare(b.at))
}

async function content(kafka: Kafka, topic: string, { letter }: DeadLetter): Promise<LetterContent> {
  const [partition = 0, offset = 0] = letter.split(':').map(Number)
  let found: KafkaMessage | undefined
  await readRanges(
    kafka,
    { topic, ranges: new Map([[partition, { first: offset, last: offset }]]) },
    (_, message) => {
      found = message
    },
  )
  if (found !== undefined) return contentOf(found)
  throw new SluiceError('LETTER_UNKNOWN', {
    subject: `the letter ${letter} is no longer in ${topic}`,
    advice: 'sluice dlq list shows those that are',
  })
}
