import { join, resolve } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'

export interface UsageBenchOptions {
  documents: number
  asks: number
  seed: number
  out: string
}

/**
 * Reads the command line of the bench.
 *
 * @throws CommanderError for what it does not know; `--help` prints and throws too
 */
export function readUsageOptions(
  words: readonly string[],
  writeErr: (text: string) => void = (text) => process.stderr.write(text),
): UsageBenchOptions {
  const command = new Command('npm run bench:usage --')
    .description(
      "Fills a mongod on loopback with a month of usage, through the processor's own store and roll-ups, and asks /api/usage for it.",
    )
    .helpOption('-h, --help', 'what can be typed')
    .allowExcessArguments(false)
    .addOption(whole('--documents <n>', 'documents of the month', 10_000_000, 1000, 1_000_000_000))
    .addOption(whole('--asks <n>', 'how often each question is asked', 50, 3, 10_000))
    .addOption(whole('--seed <n>', 'of the documents', 1, 0, 2 ** 31))
    .addOption(
      new Option('--out <folder>', 'where usage.md is written').default(
        join(import.meta.dirname, '..', 'results'),
        'bench/results',
      ),
    )
    .addHelpText('after', '\nA quick look:\n  npm run bench:usage -- --documents 100000 --out /tmp/bench')
    .exitOverride()
    .configureOutput({ writeErr })
  const options = command.parse([...words], { from: 'user' }).opts<UsageBenchOptions>()
  return { ...options, out: resolve(options.out) }
}

function whole(flags: string, description: string, value: number, least: number, most: number): Option {
  return new Option(flags, description).default(value).argParser((text) => {
    const number = Number(text)
    if (/^\d+$/.test(text) && number >= least && number <= most) return number
    throw new InvalidArgumentError(`"${text}" should be a whole number from ${least} to ${most}.`)
  })
}
