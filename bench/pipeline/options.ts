import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { type ContenderName, contenderNames } from './contenders.ts'

export interface PipelineBenchOptions {
  messages: number
  runs: number
  contenders: ContenderName[]
  pythonSeconds: number
  pace: number
  paceSeconds: number
  producerSeconds: number
  minutes: number
  seed: number
  nodeFlags: string[]
  cache: string
  out: string
}

const root = join(import.meta.dirname, '..', '..')

/**
 * Reads the command line of the bench.
 *
 * @throws CommanderError for what it does not know; `--help` prints and throws too
 */
export function readPipelineOptions(
  words: readonly string[],
  writeErr: (text: string) => void = (text) => process.stderr.write(text),
): PipelineBenchOptions {
  const command = new Command('npm run bench:pipeline --')
    .description(
      'Starts Kafka, ZooKeeper and mongod on loopback and has the same stream of events stored by our processor, Kafka Connect and a plain Python processor. The floors are kafkajs reading alone and insertMany alone. Needs java and mvn for Kafka Connect, python3 for Python.',
    )
    .helpOption('-h, --help', 'what can be typed')
    .allowExcessArguments(false)
    .addOption(whole('--messages <n>', 'events in the stream', 600_000, 1000, 100_000_000))
    .addOption(
      whole('--runs <n>', 'rounds; ratios are taken within each, and their median counts', 3, 1, 100),
    )
    .addOption(
      new Option('--contenders <names>', `who is measured, of ${contenderNames.join(',')}`)
        .default([...contenderNames], 'all')
        .argParser(contenders),
    )
    .addOption(whole('--python-seconds <n>', 'how long the Python processor is watched', 20, 1, 3600))
    .addOption(
      whole('--pace <n>', 'events a second for the latency of each; 0 leaves it out', 2000, 0, 50_000),
    )
    .addOption(whole('--pace-seconds <n>', 'how long they come at that pace', 20, 1, 3600))
    .addOption(
      whole(
        '--producer-seconds <n>',
        'how long our producer sends without a pause; 0 leaves it out',
        15,
        0,
        600,
      ),
    )
    .addOption(
      whole(
        '--minutes <n>',
        'how long our processor runs at full speed, of which ten are judged; 0 leaves it out',
        10,
        0,
        600,
      ),
    )
    .addOption(whole('--seed <n>', 'of the stream', 1, 0, 2 ** 31))
    .addOption(
      new Option('--node-flags <words>', 'further flags of Node for our processor, parted by blanks')
        .default([], 'none')
        .argParser((text) => text.split(' ').filter(Boolean)),
    )
    .addOption(
      new Option('--cache <folder>', "where Kafka Connect's jars are kept").default(
        join(homedir(), '.cache', 'sluice', 'bench'),
        '~/.cache/sluice/bench',
      ),
    )
    .addOption(
      new Option('--out <folder>', 'where pipeline.json, pipeline.md and pipeline.svg are written').default(
        join(root, 'bench', 'results'),
        'bench/results',
      ),
    )
    .addHelpText(
      'after',
      '\nA quick look:\n  npm run bench:pipeline -- --runs 1 --messages 200000 --contenders sluice,insert-floor --pace 0 --out /tmp/bench',
    )
    .exitOverride()
    .configureOutput({ writeErr })
  const options = command.parse([...words], { from: 'user' }).opts<PipelineBenchOptions>()
  return { ...options, cache: resolve(options.cache), out: resolve(options.out) }
}

function whole(flags: string, description: string, value: number, least: number, most: number): Option {
  return new Option(flags, description).default(value).argParser((text) => {
    const number = Number(text)
    if (/^\d+$/.test(text) && number >= least && number <= most) return number
    throw new InvalidArgumentError(`"${text}" should be a whole number from ${least} to ${most}.`)
  })
}

function contenders(text: string): ContenderName[] {
  return text.split(',').map((name) => {
    const contender = contenderNames.find((one) => one === name)
    if (contender !== undefined) return contender
    throw new InvalidArgumentError(`"${name}" should be one of ${contenderNames.join(', ')}.`)
  })
}
