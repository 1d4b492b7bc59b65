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
  const taken = command.options.filter(
    (option) =>
      settingOf(option, environment) !== '' && command.getOptionValueSource(option.attributeName()) !== 'cli',
  )
  if (taken.length === 0) return undefined
  const options = taken.map((option) => {
    const value = settingOf(option, environment)
    return option.isBoolean() || value === 'true' ? `--${nameOf(option)}` : `--${nameOf(option)}=${value}`
  })
  // Of an option with a value npm keeps only that it was there, and leaves the value among the words.
  const placed = taken.some((option) => !option.isBoolean()) || command.registeredArguments.length > 0
  const left = placed ? words : words.length === 0 ? [] : ['…']
  return new SluiceError('USAGE', {
    subject: `npm took ${options.join(' ')} for itself, and nothing was done`,
    at: 'the command line',
    why: 'it does so with every option that stands before "--"',
    advice: [
      'npm run',
      script,
      '--',
      ...(script === 'sluice' ? pathOf(command) : []),
      ...options,
      ...left,
    ].join(' '),
  })
}

/** What is typed to come to a command: `inventory show`. */
export function pathOf(command: Command): string[] {
  return command.parent === null ? [] : [...pathOf(command.parent), command.name()]
}

function nameOf(option: Option): string {
  return option.long?.slice(2) ?? ''
}

/** What npm tells its scripts of an option that it took; some it has itself (`--json`), which are ours there all the same. */
function settingOf(option: Option, environment: NodeJS.ProcessEnv): string {
  return environment[`npm_config_${nameOf(option).replaceAll('-', '_')}`] ?? ''
}
