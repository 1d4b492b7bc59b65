import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command, Option } from 'commander'
import { SluiceError } from '../errors.ts'

/**
 * Refuses what `npm run provision --check` starts: npm takes an option that stands before `--` for itself, and the
 * command would run without it, here as a real run.
 *
 * @throws SluiceError USAGE
 */
export function refuseSwallowed(command: Command): void {
  const error = swallowedOptions(command, command.args)
  if (error !== undefined) throw error
}

/**
 * What to say of options that npm took for itself; `undefined` where it took none.
 *
 * @param words what npm left behind the command's name
 */
export function swallowedOptions(
  command: Command,
  words: readonly string[],
  environment: NodeJS.ProcessEnv = process.env,
): SluiceError | undefined {
  const script = environment.npm_lifecycle_event ?? ''
  if (script === '') return undefined
  const taken = command.options
    .filter((option) => command.getOptionValueSource(option.attributeName()) !== 'cli')
    .map((option) => ({ option, value: settingOf(option, environment) }))
    .filter(({ value }) => value !== '')
  if (taken.length === 0) return undefined
  // Of an option with a value npm mostly keeps only that it was there, and leaves the value among the words.
  const parted = Object.groupBy(taken, ({ option, value }) =>
    !option.isBoolean() && value === 'true' ? 'valueless' : 'whole',
  )
  const { whole = [], valueless = [] } = parted
  const most = command.registeredArguments.some(({ variadic }) => variadic)
    ? Number.POSITIVE_INFINITY
    : valueless.length + command.registeredArguments.length
  const placed = valueless.length <= 1 && words.length <= most
  const options = [
    ...whole.map(({ option, value }) => (option.isBoolean() ? `${option.long}` : `${option.long}=${value}`)),
    ...valueless.map(({ option }) => (placed && words.length > 0 ? `${option.long}` : `${option.long} …`)),
  ]
  const left = placed ? words : valueless.length === 0 ? ['…'] : []
  return new SluiceError('USAGE', {
    subject: `npm took ${options.join(' ')} for itself, and nothing was done`,
    at: 'the command line',
    why: 'it does so with every option that stands before "--"',
    advice: retyped(command, script, [...options, ...left]),
  })
}

/**
 * What to say where npm took `-i` for itself: it keeps nothing of that, and leaves the inventory among the words.
 *
 * @param names the inventories that there are
 */
export function swallowedInventory(
  command: Command,
  words: readonly string[],
  names: readonly string[],
  environment: NodeJS.ProcessEnv = process.env,
): SluiceError | undefined {
  const script = environment.npm_lifecycle_event ?? ''
  const option = command.options.find(({ short }) => short === '-i')
  if (script === '' || option === undefined) return undefined
  if (command.getOptionValueSource(option.attributeName()) === 'cli') return undefined
  const inventory = words.find((word) => names.includes(word) || /\.(ya?ml|json|ini)$/.test(word))
  if (inventory === undefined) return undefined
  return new SluiceError('USAGE', {
    subject: `npm took an option for itself and left its value "${inventory}", and nothing was done`,
    at: 'the command line',
    why: 'it does so with every option that stands before "--", -i and -l too',
    advice: retyped(command, script, ['-i', inventory]),
  })
}

function retyped(command: Command, script: string, words: readonly string[]): string {
  return ['npm run', script, '--', ...(script === 'sluice' ? pathOf(command) : []), ...words].join(' ')
}

/** What is typed to come to a command: `inventory show`. */
export function pathOf(command: Command): string[] {
  return command.parent === null ? [] : [...pathOf(command.parent), command.name()]
}

/**
 * What npm tells its scripts of an option that it took; some it has itself (`--json`), which are ours there all the
 * same. A short one that is not npm's own is told by its letter.
 */
function settingOf({ long, short }: Option, environment: NodeJS.ProcessEnv): string {
  const names = [long?.slice(2), short?.slice(1)].flatMap((name) => name?.replaceAll('-', '_') ?? [])
  const settings = names.map((name) => environment[`npm_config_${name}`] ?? '')
  return settings.find((value) => value !== '') ?? npmsOwn(long, environment) ?? ''
}

/** Two that npm knows by other names. */
function npmsOwn(long: string | undefined, environment: NodeJS.ProcessEnv): string | undefined {
  if (long === '--limit') return environment.npm_config_long || undefined
  const verbose = long === '--verbose' && environment.npm_config_loglevel === 'verbose'
  return verbose && !isConfigured('loglevel', environment) ? 'true' : undefined
}

/** Whether somebody has set this for npm as such: then nothing was typed. */
function isConfigured(name: string, environment: NodeJS.ProcessEnv): boolean {
  const { npm_config_userconfig: ofUser, npm_config_globalconfig: ofAll } = environment
  const ofProject = join(environment.npm_config_local_prefix ?? '.', '.npmrc')
  const line = new RegExp(`^\\s*${name}\\s*=`, 'm')
  return (
    environment[`NPM_CONFIG_${name.toUpperCase()}`] !== undefined ||
    [ofUser, ofAll, ofProject].some(
      (file) => file !== undefined && existsSync(file) && line.test(readFileSync(file, 'utf8')),
    )
  )
}
