import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname, extname, join } from 'node:path'
import { SluiceError } from '../../engine/errors.ts'
import { type AnsibleModel, type AnsibleVariables, isMapping } from './model.ts'
import { parseYaml } from './yaml-text.ts'

const endings = ['', '.yml', '.yaml', '.json']

/**
 * Adds the variables that stand in `group_vars` and `host_vars` beside inventories that are files, and in those that are
 * folders.
 *
 * @returns the files that are encrypted and were left out
 * @throws SluiceError INVENTORY_INVALID when one of the others is no YAML, or no mapping
 */
export function addVariableFiles(sources: readonly string[], model: AnsibleModel): string[] {
  const encrypted = new Set<string>()
  const folders = sources.map(folderOf)
  const variablesIn = (kind: string, name: string): AnsibleVariables[] =>
    folders.map((folder) => {
      const read = filesFor(join(folder, kind), name).map((file) => {
        const variables = variablesOf(file)
        if (variables === undefined) encrypted.add(file)
        return variables ?? {}
      })
      return Object.assign({}, ...read)
    })
  for (const [name, group] of model.groups) group.fileVariables = variablesIn('group_vars', name)
  for (const name of model.hosts.keys()) model.hostFileVariables.set(name, variablesIn('host_vars', name))
  return [...encrypted]
}

function folderOf(source: string): string {
  return realpathSync(statSync(source).isDirectory() ? source : dirname(source))
}

/** The files of a group or a host: those of the first ending that there is, or all in the folder of its name. */
function filesFor(folder: string, name: string): string[] {
  if (name.startsWith('/')) return []
  const found = endings.map((ending) => join(folder, `${name}${ending}`)).find((file) => existsSync(file))
  if (found === undefined) return []
  return statSync(found).isDirectory() ? filesBelow(found) : [found]
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => !name.startsWith('.') && !name.endsWith('~'))
    .sort()
    .flatMap((name) => {
      const path = join(folder, name)
      if (statSync(path).isDirectory()) return extname(name) === '' ? filesBelow(path) : []
      return endings.includes(extname(name)) ? [path] : []
    })
}

/** `undefined` when the file is encrypted. */
function variablesOf(file: string): AnsibleVariables | undefined {
  const text = readFileSync(file, 'utf8')
  if (text.startsWith('$ANSIBLE_VAULT;')) return undefined
  const { content, mistake } = parseYaml(text)
  const variables = content ?? {}
  if (mistake === undefined && isMapping(variables)) return variables
  throw new SluiceError('INVENTORY_INVALID', {
    subject: mistake === undefined ? 'variables should be a mapping' : 'the variables are no YAML',
    at: file,
    ...(mistake !== undefined && { why: mistake }),
    advice: 'correct the file; ansible-inventory --list --inventory shows how Ansible reads it',
  })
}
