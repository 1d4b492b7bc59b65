import type { Command } from 'commander'
import { SluiceError } from '../errors.ts'
import { roleNames } from '../playbook.ts'
import { pathOf } from './npm-options.ts'
import type { Registry } from './registry.ts'

/**
 * Refuses what `npm run provision -tkafka` starts: npm takes that for a switch of its own, named "tkafka". Settings that
 * are meant for npm begin with the same letters, so only names that there are count.
 *
 * @throws SluiceError USAGE
 */
export async function refuseAttached(
  command: Command,
  { inventories, playbooks }: Pick<Registry, 'inventories' | 'playbooks'>,
): Promise<void> {
  const namesOf: Record<string, () => string[] | Promise<string[]>> = {
    '-i': () => inventories.map(({ name }) => name),
    '-t': async () => (await Promise.all(playbooks.map(({ load }) => load()))).flatMap(roleNames),
  }
  for (const option of command.options) {
    const { short = '' } = option
    const names = namesOf[short]
    if (names === undefined || command.getOptionValueSource(option.attributeName()) === 'cli') continue
    if (switchesFor(short).length > 0) refuse(short, await names(), pathOf(command))
  }
}

/**
 * The same of `-lvm1`, once it is known which hosts and groups there are.
 *
 * @param names of hosts and groups
 * @throws SluiceError USAGE
 */
export function refuseAttachedLimit(names: readonly string[]): void {
  refuse('-l', names, ['…'])
}

function refuse(short: string, names: readonly string[], path: readonly string[]): void {
  const switches = switchesFor(short)
  const name = names.find((each) => switches.includes(switchName(short, each)))
  if (name === undefined) return
  const script = process.env.npm_lifecycle_event ?? ''
  throw new SluiceError('USAGE', {
    subject: `npm took ${short}${name} for itself, and nothing was done on any host`,
    at: 'the command line',
    why: 'it does so with every option that stands before "--"',
    advice: ['npm run', script, '--', ...(script === 'sluice' ? path : []), short, name].join(' '),
  })
}

/** What npm tells its scripts of switches that begin with a letter, where it has started this. */
function switchesFor(short: string): string[] {
  if ((process.env.npm_lifecycle_event ?? '') === '') return []
  const start = switchName(short, '')
  return Object.keys(process.env).filter((key) => key.startsWith(start) && process.env[key] === 'true')
}

const switchName = (short: string, name: string): string =>
  `npm_config_${short.slice(1)}${name.replaceAll('-', '_').toLowerCase()}`
