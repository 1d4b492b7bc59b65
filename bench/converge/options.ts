import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { mostLabHosts } from '../../engine/cli/lab-controls.ts'
import { type ToolName, toolNames } from './tools.ts'

export interface BenchOptions {
  hosts: number[]
  runs: number
  peers: ToolName[]
  peerHosts: number
  latency: number[]
  latencyHosts: number
  budget: number
  cache: string
  out: string
}

const root = join(import.meta.dirname, '..', '..')

/**
 * Reads the command line of the bench.
 *
 * @throws CommanderError for what it does not know; `--help` prints and throws too
 */
export function readOptions(
  words: readonly string[],
  writeErr: (text: string) => void = (text) => process.stderr.write(text),
): BenchOptions {
  const command = new Command('npm run bench:converge --')
    .description(
      'Brings lab hosts of its own to the same state with Sluice, ansible-core, ansible-core + Mitogen and pyinfra, and measures each: the first run, a run that changes nothing, a run with one drifted file. The floor is parallel ssh that reads the same state. Needs root; the peers come from PyPI.',
    )
    .helpOption('-h, --help', 'what can be typed')
    .allowExcessArguments(false)
    .addOption(numbers('--hosts <n,n>', 'how many hosts', [1, 4, 16, 32], 1, mostLabHosts))
    .addOption(number('--runs <n>', 'runs of each kind, of which the median counts', 5, 1, 100))
    .addOption(
      new Option('--peers <names>', `who is measured, of ${toolNames.join(',')}`)
        .default([...toolNames], 'all')
        .argParser(tools),
    )
    .addOption(number('--peer-hosts <n>', 'the most hosts for other tools than Sluice', 16, 1, mostLabHosts))
    .addOption(numbers('--latency <ms,ms>', 'added round-trip time; 0 is none', [0, 50, 150], 0, 5000))
    .addOption(number('--latency-hosts <n>', 'how many hosts where latency is added', 4, 1, mostLabHosts))
    .addOption(
      number(
        '--budget <seconds>',
        'after this long a tool is not run again for the same figure',
        120,
        1,
        36_000,
      ),
    )
    .addOption(
      new Option('--cache <folder>', 'where the Python environment and the packages are kept').default(
        join(homedir(), '.cache', 'sluice', 'bench'),
        '~/.cache/sluice/bench',
      ),
    )
    .addOption(
      new Option('--out <folder>', 'where converge.json, converge.md and converge.svg are written').default(
        join(root, 'bench', 'results'),
        'bench/results',
      ),
    )
    .addHelpText(
      'after',
      '\nA quick look:\n  npm run bench:converge -- --hosts 1,4 --runs 3 --peers sluice,floor --latency 0 --out /tmp/bench',
    )
    .exitOverride()
    .configureOutput({ writeErr })
  const options = command.parse([...words], { from: 'user' }).opts<BenchOptions>()
  return { ...options, cache: resolve(options.cache), out: resolve(options.out) }
}

function number(flags: string, description: string, value: number, least: number, most: number): Option {
  return new Option(flags, description).default(value).argParser((text) => wholeNumber(text, least, most))
}

function numbers(flags: string, description: string, value: number[], least: number, most: number): Option {
  return new Option(flags, description)
    .default(value, value.join(','))
    .argParser((text) => text.split(',').map((one) => wholeNumber(one, least, most)))
}

function wholeNumber(text: string, least: number, most: number): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= least && value <= most) return value
  throw new InvalidArgumentError(`"${text}" should be a whole number from ${least} to ${most}.`)
}

function tools(text: string): ToolName[] {
  return text.split(',').map((name) => {
    const tool = toolNames.find((one) => one === name)
    if (tool !== undefined) return tool
    throw new InvalidArgumentError(`"${name}" should be one of ${toolNames.join(', ')}.`)
  })
}
