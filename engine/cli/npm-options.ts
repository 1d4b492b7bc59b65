import type { Command } from 'commander'
import { SluiceError } from '../errors.ts'

/** Options of ours that npm has too: what its own configuration says of them is no mistake of the command line. */
const npmsOwn = new Set(['diff', 'json', 'yes'])

/**
 * Refuses what `npm run provision --check` starts: npm takes an option that stands before `--` for itself, and the
 * command would run without it, here as a real run.
 *
 * @throws SluiceError USAGE
 */
export function refuseSwallowed(command: Command, environment: NodeJS.ProcessEnv = process.env): void {
  const script = environment.npm_lifecycle_event ?? ''
  if (script === '') return
  const swallowed = command.options.flatMap(({ long }) => {
    const name = long?.slice(2) ?? ''
    const value = environment[`npm_config_${name.replaceAll('-', '_')}`] ?? ''
    if (value === '' || npmsOwn.has(name)) return []
    return value === 'true' ? [`--${name}`] : [`--${name}=${value}`]
  })
  if (swallowed.length === 0) return
  throw new SluiceError('USAGE', {
    subject: `npm took ${swallowed.join(' ')} for itself, and nothing was done`,
    at: 'the command line',
    why: 'it does so with every option that stands before "--"',
    advice: ['npm run', script, '--', ...(script === 'sluice' ? pathOf(command) : []), ...swallowed].join(
      ' ',
    ),
  })
}

/** What is typed to come to a command: `inventory show`. */
function pathOf(command: Command): string[] {
  return command.parent === null ? [] : [...pathOf(command.parent), command.name()]
}
