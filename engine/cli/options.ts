import { availableParallelism } from 'node:os'
import { type Command, InvalidArgumentError, Option } from 'commander'

/** What may be typed after any command that works on an inventory's hosts. */
export interface HostOptions {
  inventory?: string
  refresh?: boolean
  limit?: string
  timeout: number
  acceptNewHostKeys: boolean
  askBecomePass?: boolean
  var: string[]
  varsFile: string[]
  json: boolean
  verbose: boolean
}

/** What may be typed after a command that runs a playbook. */
export interface RunCommandOptions extends HostOptions {
  tags: string[]
  skipTags: string[]
  check: boolean
  diff: boolean
  forks?: number
  artifactMirror?: string
  guardSeconds?: number
}

export interface DestroyOptions extends Omit<RunCommandOptions, 'check'> {
  yes: boolean
  data: boolean
}

export interface DriftOptions extends Omit<RunCommandOptions, 'check'> {
  /** Seconds between two looks. */
  watch?: number
}

export function addInventoryOption(command: Command): Command {
  return command
    .option(
      '-i, --inventory <name|file>',
      'where the hosts come from: a name of `sluice inventory list`, or a YAML or JSON file',
    )
    .option('--refresh', 'ask where the hosts come from anew, whatever it said a moment ago')
}

function addOutputOptions(command: Command): Command {
  return command
    .option('--json', 'one JSON document a line on standard output', false)
    .option('--verbose', 'a line for everything that happens, names instead of counts', false)
}

/** The options of `HostOptions`. */
export function addHostOptions(command: Command): Command {
  addInventoryOption(command)
    .option(
      '-l, --limit <pattern>',
      'only these hosts: names, groups, `*`, `,` between, `!` without, `&` and',
    )
    .addOption(
      new Option('--timeout <seconds>', 'how long a host may take to answer')
        .default(10)
        .argParser(wholeNumber(1, 3600)),
    )
    .option('--accept-new-host-keys', 'take and record the key of a host that has none on record', false)
    .option(
      '--ask-become-pass',
      'ask for the password that sudo wants (or SLUICE_BECOME_PASSWORD, or standard input)',
      false,
    )
    .option('--var <role.parameter=value>', 'a variable; may be given several times', repeated, [])
    .option(
      '--vars-file <path>',
      'a YAML or JSON file of variables; may be given several times',
      repeated,
      [],
    )
  return addOutputOptions(command)
}

/** The options of `RunCommandOptions`, without `--check`. */
export function addRunOptions(command: Command): Command {
  return addHostOptions(command)
    .option('-t, --tags <roles>', 'only these roles, `,` between', listed, [])
    .option('--skip-tags <roles>', 'without these roles, `,` between', listed, [])
    .option('--diff', 'show what changes in texts', false)
    .addOption(
      new Option('--forks <n>', 'hosts worked on at once (default: by hosts and cores)').argParser(
        wholeNumber(1, 1000),
      ),
    )
    .option('--artifact-mirror <url|directory>', 'where software is looked for before its upstream')
    .addOption(
      new Option(
        '--guard-seconds <n>',
        'how long a host waits for a new connection before it takes back a change of sshd or the firewall (default: 30)',
      ).argParser(wholeNumber(5, 3600)),
    )
}

/** Hosts worked on at once when nobody says: the work is mostly waiting, so several for each core. */
export function defaultForks(hosts: number, cores = availableParallelism()): number {
  return Math.max(1, Math.min(hosts, cores * 8))
}

/** A parser for a whole number of this range. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = Number(text)
    if (/^\d+$/.test(text) && number >= least && number <= most) return number
    throw new InvalidArgumentError(`It should be a whole number from ${least} to ${most}.`)
  }
}

function repeated(text: string, before: string[]): string[] {
  return [...before, text]
}

function listed(text: string, before: string[]): string[] {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  return [...before, ...names]
}
