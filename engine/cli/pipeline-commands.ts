import { type Command, InvalidArgumentError, Option } from 'commander'
import { SluiceError } from '../errors.ts'
import type { CapacityOptions } from './capacity-command.ts'
import type { DlqListOptions, DlqOptions, DlqReplayOptions, DlqShowOptions } from './dlq-command.ts'
import type { Execute } from './execute.ts'
import { examplesText } from './help.ts'
import { wholeNumber } from './option-values.ts'
import { addHostOptions } from './options.ts'
import type { CapacityControls, DeadLetterControls } from './pipeline-controls.ts'

const mostOffset = Number.MAX_SAFE_INTEGER

/** `capacity`: whether there is enough of everything. */
export function addCapacity(
  program: Command,
  controls: { load(): Promise<CapacityControls> },
  execute: Execute,
): void {
  const command = program
    .command('capacity')
    .summary('whether processors and MongoDB are enough for what arrives')
    .description(
      'Measures the running pipeline for a while and says how many processors it takes, C = ceil(P · t_proc · S), and how much of MongoDB, P · w ≤ W · H. Changes nothing. Exit code 0 when it is enough, 2 when something should be changed.',
    )
  addHostOptions(command)
    .addOption(
      new Option('--seconds <n>', 'how long it is measured').default(30).argParser(wholeNumber(1, 3600)),
    )
    .addOption(new Option('--safety <S>', 'what may come on top').default(1.3).argParser(fraction(1, 10)))
    .addOption(
      new Option('--headroom <H>', 'how much of MongoDB may be used')
        .default(0.7)
        .argParser(fraction(0.01, 1)),
    )
    .addOption(
      new Option(
        '--writes-per-second <W>',
        'what MongoDB sustains (default: estimated from how long bulk inserts take)',
      ).argParser(wholeNumber(1, 100_000_000)),
    )
    .option('--topics <names...>', 'what the processors read', ['tokens', 'gpu.metrics.v1', 'token.usage.v1'])
    .option('--group <name>', 'their consumer group (default: sluice-processor)', 'sluice-processor')
    .addHelpText(
      'after',
      examplesText([
        { command: 'sluice capacity', meaning: 'half a minute of the load as it is' },
        { command: 'sluice capacity --seconds 300 --json', meaning: 'a longer look, for a program' },
        { command: 'sluice capacity --writes-per-second 90000', meaning: 'with what a bench has measured' },
      ]),
    )
    .action((options: CapacityOptions) =>
      execute(async (session) => {
        const { capacityCommand } = await import('./capacity-command.ts')
        return capacityCommand(session, await controls.load(), options)
      }),
    )
}

function fraction(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = Number(text)
    if (/^\d+(\.\d+)?$/.test(text) && number >= least && number <= most) return number
    throw new InvalidArgumentError(`It should be a number from ${least} to ${most}.`)
  }
}

/** `dlq`: messages that could not be stored. */
export function addDeadLetters(
  program: Command,
  controls: { load(): Promise<DeadLetterControls> },
  execute: Execute,
): void {
  const dlq = program
    .command('dlq')
    .summary('messages that could not be stored: list, show, replay')
    .description(
      'Messages that the processor could not store, with the reason: it sends them to pipeline.dlq and goes on. A letter has a name, PARTITION:OFFSET in that topic; where its message lay (TOPIC:PARTITION:OFFSET) is as good.',
    )
    .addHelpText(
      'after',
      examplesText([
        {
          command: 'sluice dlq list',
          meaning: 'the newest, with where they come from and why they are there',
        },
        { command: 'sluice dlq list --topic tokens --reason "not JSON"', meaning: 'some of them' },
        { command: 'sluice dlq show 1:42', meaning: 'one of them, with what is in it' },
        { command: 'sluice dlq replay --reason "host is missing"', meaning: 'asks, then sends them again' },
      ]),
    )
  const load = () => import('./dlq-command.ts')
  addFilterOptions(addDlqOptions(dlq.command('list')))
    .option('--all', 'also those that were replayed since', false)
    .addOption(
      new Option('--last <n>', 'how many of the newest (default: 50, with --json all)').argParser(
        wholeNumber(1, 10_000_000),
      ),
    )
    .description('Lists letters, the newest last.')
    .addHelpText(
      'after',
      examplesText([
        {
          command: 'sluice dlq list --topic token.usage.v1 --partition 3 --offset 100-200',
          meaning: 'by place',
        },
        { command: 'sluice dlq list --all --json', meaning: 'all there are, a JSON document each' },
      ]),
    )
    .action((options: DlqListOptions) =>
      execute(async (session) => (await load()).dlqList(session, await controls.load(), options)),
    )
  addDlqOptions(dlq.command('show'))
    .argument('<letter>', 'its name, 1:42, or where its message lay, tokens:3:17', letterName)
    .option('--raw', 'only the bytes of the message, as they are', false)
    .description('Shows a letter: the reason, and what is in the message.')
    .addHelpText(
      'after',
      examplesText([
        { command: 'sluice dlq show token.usage.v1:3:17', meaning: 'by where it lay' },
        { command: 'sluice dlq show 1:42 --raw > message.json', meaning: 'the bytes, to look at or to mend' },
      ]),
    )
    .action((letter: string, options: DlqShowOptions) =>
      execute(async (session) => (await load()).dlqShow(session, await controls.load(), letter, options)),
    )
  addFilterOptions(addDlqOptions(dlq.command('replay')))
    .argument(
      '[letters...]',
      'which (default: all that the options leave)',
      (text, before: string[] = []) => [...before, letterName(text)],
    )
    .option('--again', 'also those that were replayed before', false)
    .option('-y, --yes', 'do not ask', false)
    .description(
      'Sends messages again, as they were, to the topic and partition that they came from. However often that is done, a message becomes one document. One that still cannot be stored comes back as a new letter, which says how often it has been replayed.',
    )
    .addHelpText(
      'after',
      examplesText([
        { command: 'sluice dlq replay 1:42 1:43', meaning: 'these two' },
        { command: 'sluice dlq replay --topic tokens --yes', meaning: 'all of a topic, without asking' },
      ]),
    )
    .action((letters: string[], options: DlqReplayOptions) =>
      execute(async (session) => (await load()).dlqReplay(session, await controls.load(), letters, options)),
    )
}

function addDlqOptions(command: Command): Command {
  return addHostOptions(command).option(
    '--dead-letters <topic>',
    'the topic that letters are in (default: pipeline.dlq)',
    'pipeline.dlq' satisfies DlqOptions['deadLetters'],
  )
}

function addFilterOptions(command: Command): Command {
  return command
    .option('--topic <topic>', 'only messages that come from this topic')
    .addOption(
      new Option('--partition <n>', 'only those of this partition of it').argParser(
        wholeNumber(0, 1_000_000),
      ),
    )
    .addOption(new Option('--offset <n|first-last>', 'only those of these offsets').argParser(offsets))
    .option('--reason <text>', 'only those whose reason has this in it')
}

function offsets(text: string): { first: number; last: number } {
  const match = /^(\d+)(?:-(\d+))?$/.exec(text)
  const [first, last] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])]
  if (match !== null && first <= last && last <= mostOffset) return { first, last }
  throw new InvalidArgumentError('It should be an offset, or the first and the last one: 17 or 100-200.')
}

/** What cannot be a letter's name is refused before any host is asked for it. */
function letterName(text: string): string {
  if (/^(?:[a-zA-Z0-9._-]+:)?\d+:\d+$/.test(text)) return text
  throw new SluiceError('USAGE', {
    subject: `"${text}" cannot be the name of a letter`,
    at: 'the command line',
    why: 'a letter is named PARTITION:OFFSET, 1:42 for example, or TOPIC:PARTITION:OFFSET as its message lay, tokens:3:17',
    advice: 'sluice dlq list --all shows the names of all letters',
  })
}
