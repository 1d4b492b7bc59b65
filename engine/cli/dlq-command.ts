import { SluiceError } from '../errors.ts'
import { cut, painter, printable } from '../report/terminal.ts'
import { count } from '../report/wording.ts'
import { columns } from './columns.ts'
import { confirmed } from './confirm.ts'
import { exitCodes } from './exit-codes.ts'
import type { CommandDocument } from './json-documents.ts'
import type { HostOptions } from './options.ts'
import { readOverrides } from './overrides.ts'
import type { DeadLetter, DeadLetterControls, DeadLetterTopic, LetterFilter } from './pipeline-controls.ts'
import { connector, loadHosts, type Session } from './session.ts'

export interface DlqOptions extends HostOptions {
  deadLetters: string
}

type Filter = Pick<LetterFilter, 'topic' | 'partition' | 'reason'> & { offset?: LetterFilter['offsets'] }

export interface DlqListOptions extends DlqOptions, Filter {
  all: boolean
  last?: number
}

export interface DlqShowOptions extends DlqOptions {
  raw: boolean
}

export interface DlqReplayOptions extends DlqOptions, Filter {
  again: boolean
  yes: boolean
}

const shownAtOnce = 50

/** How many bytes of a message that is no text are shown. */
const shownBytes = 512

/** `dlq list`: which messages could not be stored, and why. */
export function dlqList(
  session: Session,
  controls: DeadLetterControls,
  options: DlqListOptions,
): Promise<number> {
  const { print } = session
  return open(session, controls, options, async (topic) => {
    const letters = await topic.list({ ...filterOf(options), replayed: options.all })
    const last = options.last ?? (options.json ? letters.length : shownAtOnce)
    const shown = letters.slice(Math.max(0, letters.length - last))
    if (options.json) {
      for (const letter of shown)
        print(JSON.stringify({ type: 'letter', ...letter } satisfies CommandDocument))
      return exitCodes.converged
    }
    const paint = painter(session.stdout)
    const rows = shown.map((letter) => [letter.letter, letter.at, placeOf(letter), statusOf(letter)])
    const width = session.stdout.columns ?? Number.POSITIVE_INFINITY
    for (const line of columns(rows.map((row, index) => [...row, printable(shown[index]?.reason ?? '')]))) {
      print(cut(line, width))
    }
    const older = letters.length - shown.length
    if (older > 0) print(paint('dim', `… and ${older} older: --last shows more`))
    print(`${count(letters.length, 'dead letter')}${letters.length === 0 ? '' : `: ${byTopic(letters)}`}`)
    return exitCodes.converged
  })
}

/** `dlq show`: one letter, with what is in its message. */
export function dlqShow(
  session: Session,
  controls: DeadLetterControls,
  name: string,
  options: DlqShowOptions,
): Promise<number> {
  const { print, stdout } = session
  return open(session, controls, options, async (topic) => {
    const found = await topic.list({ letters: [name], replayed: true })
    // A message that came back is there once for each time: the newest one says how it stands.
    const letter = found.at(-1)
    if (letter === undefined) throw unknownLetter(name, options)
    const { key, value, headers } = await topic.content(letter)
    if (options.raw) {
      stdout.write(value ?? '')
      return exitCodes.converged
    }
    if (options.json) {
      const encoded = { key: key?.toString('base64') ?? null, value: value?.toString('base64') ?? null }
      const document = { type: 'letter', ...letter, headers, base64: encoded } satisfies CommandDocument
      print(JSON.stringify(document))
      return exitCodes.converged
    }
    const lines = [
      ['letter', `${letter.letter} of ${options.deadLetters}, ${letter.at}`],
      ['from', placeOf(letter)],
      ['reason', letter.reason],
      ...(letter.replays === 0 ? [] : [['replays', `${letter.replays}; it lay first at ${letter.origin}`]]),
      ...(letter.replayed === undefined
        ? []
        : [['replayed', `to ${letter.replayed.to}, ${letter.replayed.at}`]]),
      ...(key === null ? [] : [['key', key.toString('utf8')]]),
      ...Object.entries(headers).map(([header, text]) => ['header', `${header}: ${text}`]),
      [
        'bytes',
        `${letter.bytes}${letter.missing === undefined ? '' : `; the letter lacks ${letter.missing}`}`,
      ],
    ]
    for (const line of columns(lines.map((row) => row.map(printable)))) print(line)
    print('')
    for (const line of shownValue(value)) print(line)
    return exitCodes.converged
  })
}

/** `dlq replay`: sends messages again to where they came from. */
export async function dlqReplay(
  session: Session,
  controls: DeadLetterControls,
  names: readonly string[],
  options: DlqReplayOptions,
): Promise<number> {
  const { print, stdin } = session
  if (!options.yes && !stdin.isTTY) {
    throw new SluiceError('USAGE', {
      subject: 'dlq replay asks before it sends anything, and there is no terminal to ask on',
      advice: 'add --yes; sluice dlq list with the same options shows what would be sent',
    })
  }
  return open(session, controls, options, async (topic) => {
    const filter = { ...filterOf(options), replayed: options.again }
    const letters = await topic.list(names.length === 0 ? filter : { ...filter, letters: names })
    for (const name of names) {
      if (letters.some((letter) => namesOf(letter).includes(name))) continue
      const [leftOut] = await topic.list({ letters: [name], replayed: true })
      throw leftOut === undefined ? unknownLetter(name, options) : leftOutLetter(name, leftOut, options)
    }
    if (letters.length === 0) {
      if (!options.json) print('There is nothing to replay.')
      return exitCodes.converged
    }
    const what = `${count(letters.length, 'message')} again: ${byTopic(letters)}`
    if (!options.yes && !(await confirmed(session, `This sends ${what}. Type "yes" to go on: `))) {
      if (!options.json) print('Nothing was sent.')
      return exitCodes.failed
    }
    let sent = 0
    let failed = 0
    await topic.replay(letters, (outcome) => {
      if (outcome.failure === undefined) sent += 1
      else failed += 1
      if (options.json) print(JSON.stringify({ type: 'replayed', ...outcome } satisfies CommandDocument))
      else if (outcome.failure !== undefined)
        print(printable(`${outcome.letter}  not sent: ${outcome.failure}`))
      else if (options.verbose) print(`${outcome.letter}  sent to ${outcome.to}`)
    })
    if (!options.json) {
      print(`${count(sent, 'message')} sent again${failed === 0 ? '' : `, ${failed} not`}.`)
      if (sent > 0) print('What still cannot be stored comes back: sluice dlq list')
    }
    return failed === 0 ? exitCodes.converged : exitCodes.failed
  })
}

async function open(
  session: Session,
  controls: DeadLetterControls,
  options: DlqOptions,
  use: (topic: DeadLetterTopic) => Promise<number>,
): Promise<number> {
  const [{ withOverrides }, overrides, chosen, connect] = await Promise.all([
    import('../variables.ts'),
    readOverrides(session, options),
    loadHosts(session, options, { create: false }),
    connector(session, options),
  ])
  const inventory = withOverrides(chosen.inventory, overrides)
  return controls.open({ inventory, connect }, options.deadLetters, use)
}

function filterOf({ topic, partition, offset, reason }: Filter): LetterFilter {
  return {
    ...(topic !== undefined && { topic }),
    ...(partition !== undefined && { partition }),
    ...(offset !== undefined && { offsets: offset }),
    ...(reason !== undefined && { reason }),
  }
}

const placeOf = ({ from }: DeadLetter): string =>
  from === undefined ? 'unknown' : `${from.topic}:${from.partition}:${from.offset}`

const namesOf = (letter: DeadLetter): (string | undefined)[] => [
  letter.letter,
  letter.origin,
  placeOf(letter),
]

const statusOf = ({ replays, replayed }: DeadLetter): string =>
  [...(replays === 0 ? [] : [`back ${replays}×`]), ...(replayed === undefined ? [] : ['replayed'])].join(', ')

function byTopic(letters: readonly DeadLetter[]): string {
  const groups = Map.groupBy(letters, ({ from }) => from?.topic ?? 'from nobody knows where')
  return [...groups].map(([topic, some]) => `${topic} ${some.length}`).join(', ')
}

function unknownLetter(name: string, { deadLetters }: DlqOptions): SluiceError {
  return new SluiceError('LETTER_UNKNOWN', {
    subject: `${deadLetters} has no letter ${name}`,
    advice: 'sluice dlq list --all shows those that there are, and where their messages lay',
  })
}

/** A letter that is there, but that is not sent as things were typed. */
function leftOutLetter(name: string, { replayed }: DeadLetter, { again }: DlqReplayOptions): SluiceError {
  if (replayed === undefined || again) {
    return new SluiceError('LETTER_UNKNOWN', {
      subject: `the other options leave out the letter ${name}, and nothing was sent`,
      advice: 'name letters, or say by --topic, --partition, --offset and --reason which; not both',
    })
  }
  return new SluiceError('LETTER_UNKNOWN', {
    subject: `the letter ${name} was replayed before, and nothing was sent`,
    why: `it went to ${replayed.to}, ${replayed.at}`,
    advice: '--again replays it once more',
  })
}

/** A message as text, or where it is none as bytes in hexadecimal. */
function shownValue(value: Buffer | null): string[] {
  if (value === null) return ['(no value)']
  const text = value.toString('utf8')
  if (Buffer.from(text, 'utf8').equals(value)) return printable(text).split('\n')
  const rows = Math.ceil(Math.min(value.length, shownBytes) / 16)
  const lines = Array.from({ length: rows }, (_, row) => {
    const bytes = value.subarray(row * 16, Math.min(row * 16 + 16, shownBytes))
    const hexadecimal = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
    const characters = bytes.toString('latin1').replaceAll(/[^ -~]/g, '.')
    return `${(row * 16).toString(16).padStart(6, '0')}  ${hexadecimal.padEnd(47)}  ${characters}`
  })
  return value.length > shownBytes ? [...lines, `… ${value.length - shownBytes} bytes more: --raw`] : lines
}
