import { availableParallelism } from 'node:os'
import { type Command, Option } from 'commander'
import type { StartAt } from '../host-survey.ts'
import type { Share } from '../share.ts'
import { listed, repeated, share, startAt, wholeNumber } from './option-values.ts'

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
  profile: boolean
  forks?: number
  serial?: Share
  maxFail?: Share
  startAt?: StartAt
  artifactMirror?: string
  guardSeconds?: number
  allowLockout?: boolean
}

/** What may be typed to plan first what is then done. */
export interface PlanOptions {
  check: boolean
  /** With `check`: where the plan is written. */
  out?: string
  /** A plan that is carried out as it is. */
  plan?: string
}

/** What may be typed after a command that runs a playbook which can be planned first. */
export interface PlaybookOptions extends RunCommandOptions, PlanOptions {}

export interface DestroyOptions extends RunCommandOptions, PlanOptions {
  yes: boolean
  data: boolean
  /** Only what was installed: the hosts stay. */
  installed: boolean
}

export interface UpOptions extends RunCommandOptions {
  admin: string[]
  publicKey?: string
  image?: string
  type?: string
  diskGb?: number
  provision: boolean
  verify: boolean
  /** Seconds until every host must let us in. */
  wait: number
}

export interface CostOptions {
  inventory?: string
  type?: string
  diskGb?: number
  json: boolean
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
    .option('--profile', 'end with where the time went: resources, roles and hosts, the longest first', false)
    .addOption(
      new Option(
        '--forks <n>',
        'hosts worked on at once (default: 8 for each core of this machine, and no more than there are hosts)',
      ).argParser(wholeNumber(1, 1000)),
    )
    .option('--artifact-mirror <url|directory>', 'where software is looked for before its upstream')
    .addOption(
      new Option(
        '--guard-seconds <n>',
        'how long a host waits for a new connection before it takes back a change of sshd or the firewall (default: 30)',
      ).argParser(wholeNumber(5, 3600)),
    )
}

/** The options of `PlaybookOptions` beside those of a run. */
export function addPlaybookOptions(command: Command): Command {
  return addBatchOptions(addPlanOptions(command))
    .addOption(
      new Option(
        '--start-at <role[/resource]>',
        'leave what the playbook has before that as it is: kafka, kafka/kafka.service',
      ).argParser(startAt),
    )
    .option(
      '--allow-lockout',
      'go on although what sshd and firewall plan would shut this machine out; the guard still takes that back',
    )
}

/** The options of `PlanOptions`. */
export function addPlanOptions(command: Command): Command {
  return command
    .option('--check', 'only show what would change; exit code 2 if anything would', false)
    .addOption(new Option('--out <file>', 'with --check: write the plan there').conflicts('plan'))
    .addOption(
      new Option(
        '--plan <file>',
        'do exactly what that plan says, and nothing where a host is not as it was then',
      ).conflicts(['check', 'limit', 'tags', 'skipTags', 'startAt', 'data']),
    )
}

/** How many hosts at a time. */
export function addBatchOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--serial <n|n%>',
        'hosts that do a play at once; the next ones begin when it has ended well on these (default: what the play says)',
      ).argParser(share(1)),
    )
    .addOption(
      new Option(
        '--max-fail <n|n%>',
        'how many hosts may fail before no other one is begun (default: all; with --serial none)',
      ).argParser(share(0)),
    )
}

/** What hosts that are made at a provider are to be. */
export function addSizeOptions(command: Command): Command {
  return command
    .option('--type <type>', 'type of instance, t3.small for example')
    .addOption(new Option('--disk-gb <n>', 'size of each disk in GB').argParser(wholeNumber(8, 16_384)))
}

/** The options of `UpOptions` beside those of a run. */
export function addUpOptions(command: Command): Command {
  return addSizeOptions(command)
    .option(
      '--image <name|id>',
      'debian-12, ubuntu-22.04, ubuntu-24.04, an ami-… or resolve:ssm:/aws/service/…',
    )
    .option(
      '--admin <network>',
      'a network that may log in, 203.0.113.7/32 for example; may be given several times',
      repeated,
      [],
    )
    .option('--public-key <file>', 'the key that the hosts let in')
    .addOption(
      new Option(
        '--wait <seconds>',
        'how long the hosts may take to let us in by SSH; 0: that is not waited for',
      )
        .default(600)
        .argParser(wholeNumber(0, 3600)),
    )
    .option('--provision', 'go on to provision', false)
    .option('--verify', 'go on to provision and to verify-e2e', false)
}

/** Hosts worked on at once when nobody says: the work is mostly waiting, so several for each core. */
export function defaultForks(hosts: number, cores = availableParallelism()): number {
  return Math.max(1, Math.min(hosts, cores * 8))
}
