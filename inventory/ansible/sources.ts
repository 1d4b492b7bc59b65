import { constants, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { reasonOf, SluiceError } from '../../engine/errors.ts'
import { unreadable } from '../unreadable.ts'
import { isAccessible } from './access.ts'
import { readIni } from './ini.ts'
import { AnsibleModel, isMapping } from './model.ts'
import { isAnsibleYaml, readYaml } from './yaml.ts'
import { parseYaml } from './yaml-text.ts'

const alwaysIgnored = /^\.|^(?:host_vars|group_vars|vars_plugins)$/
const usuallyIgnored = ['.pyc', '.pyo', '.swp', '.bak', '~', '.rpm', '.md', '.txt', '.rst'].concat([
  '.orig',
  '.ini',
  '.cfg',
  '.retry',
])

/**
 * What Ansible passes over in a folder of inventories.
 *
 * @param endings those of `ignore_extensions`, instead of the usual ones
 * @param patterns those of `ignore_patterns`
 */
export function ignoring(
  endings = usuallyIgnored,
  patterns: readonly string[] = [],
): (name: string) => boolean {
  const searched = patterns.filter((pattern) => pattern !== '').map(searchedFor)
  return (name) =>
    alwaysIgnored.test(name) ||
    endings.some((ending) => name.endsWith(ending)) ||
    searched.some((pattern) => pattern.test(name))
}

function searchedFor(pattern: string): RegExp {
  try {
    return new RegExp(pattern, 'u')
  } catch (cause) {
    throw new SluiceError('INVENTORY_INVALID', {
      subject: `the pattern "${pattern}" of what to ignore is not understood`,
      at: 'the settings of Ansible',
      why: reasonOf(cause),
      advice: 'write it as a regular expression that JavaScript has too',
      cause,
    })
  }
}

interface Ignoring {
  ignores(name: string): boolean
  progress(remark: string): void
}

/**
 * Reads inventories of Ansible, files and folders of files, as one: what a later one says of a host or a group wins.
 *
 * @throws SluiceError INVENTORY_INVALID for what is none, and for what Ansible would have to run
 */
export function readSources(sources: readonly string[], rules: Ignoring): AnsibleModel {
  const model = new AnsibleModel()
  for (const file of sources.flatMap((source) => filesOf(source, rules))) {
    const text = inventoryText(file)
    if (text.trim() === '' || readAnsible(file, text, model) !== undefined) continue
    throw new SluiceError('INVENTORY_INVALID', {
      subject: 'this is no inventory of Ansible',
      at: file,
      why: "of several files that are read as one, each should have Ansible's form",
      advice: 'take it out of there, or name it alone, if it is one of Sluice',
    })
  }
  return model
}

/**
 * Adds what an inventory of Ansible says, in YAML or INI.
 *
 * @returns `undefined` when the file is none
 * @throws SluiceError INVENTORY_INVALID with the place in it
 */
export function readAnsible(
  path: string,
  text: string,
  model = new AnsibleModel(),
): AnsibleModel | undefined {
  const [ending] = /\.[^./]*$/.exec(basename(path).slice(1)) ?? ['']
  if (ending === '.toml') {
    throw onlyAnsible(path, 'is TOML', 'Sluice reads inventories in YAML and INI')
  }
  if (!['', '.yaml', '.yml', '.json'].includes(ending)) return readIni(path, text, model)
  const { content, mistake } = parseYaml(text)
  const isYaml = mistake === undefined && isMapping(content)
  if (isYaml && typeof content.plugin === 'string') {
    throw onlyAnsible(
      path,
      `is for the inventory plugin ${content.plugin}`,
      'Sluice runs no plugins of Ansible',
    )
  }
  if (isYaml && isAnsibleYaml(content)) return readYaml(path, content, model)
  return ending === '' ? readIni(path, text, model) : undefined
}

/**
 * The text of an inventory file.
 *
 * @throws SluiceError INVENTORY_INVALID for programs: Ansible would run them
 */
export function inventoryText(path: string): string {
  const bytes = attempt(path, () => readFileSync(path))
  const text = bytes.toString('utf8')
  if (text.startsWith('#!') && isAccessible(path, constants.X_OK)) {
    throw onlyAnsible(path, 'is an inventory script', 'Sluice runs none, since it would run with your rights')
  }
  if (bytes.includes(0)) throw onlyAnsible(path, 'is no text', 'Sluice runs no programs for inventories')
  return text
}

/** The files of a source, in the order in which Ansible reads them. */
function filesOf(source: string, rules: Ignoring, above: readonly string[] = []): string[] {
  const isFolder = attempt(source, () => statSync(source).isDirectory())
  if (!isFolder) return [source]
  const real = realpathSync(source)
  if (above.includes(real)) {
    throw new SluiceError('INVENTORY_INVALID', {
      subject: 'a folder of inventories contains itself',
      at: source,
      advice: 'take the symbolic link out',
    })
  }
  const names = attempt(source, () => readdirSync(source)).sort(byBytes)
  const passedOver = names.filter((name) => rules.ignores(name) && name.endsWith('.ini'))
  if (passedOver.length > 0) {
    rules.progress(`${source}: passed over, as Ansible does in folders: ${passedOver.join(', ')}`)
  }
  const files = names
    .filter((name) => !rules.ignores(name))
    .flatMap((name) => filesOf(join(source, name), rules, [...above, real]))
  if (files.length > 0 || above.length > 0) return files
  throw new SluiceError('INVENTORY_INVALID', {
    subject: 'there is no inventory in this folder',
    at: source,
    ...(passedOver.length > 0 && { why: `Ansible passes over ${passedOver.join(', ')} in folders` }),
    advice: 'name a file itself, or give it another ending',
  })
}

function byBytes(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right))
}

function attempt<Result>(path: string, read: () => Result): Result {
  try {
    return read()
  } catch (cause) {
    throw unreadable(path, cause)
  }
}

function onlyAnsible(path: string, what: string, why: string): SluiceError {
  return new SluiceError('INVENTORY_INVALID', {
    subject: `the inventory ${what}, which only Ansible reads`,
    at: path,
    why,
    advice: `name the file that ansible-inventory --inventory ${path} --list --yaml --export --output hosts.yaml writes`,
  })
}
