import { SluiceError } from '../../engine/errors.ts'
import { OpenQuote, wordsOf } from '../words.ts'
import { expandHostPattern, PatternError } from './host-pattern.ts'
import { literalOf } from './literal.ts'
import { AnsibleModel, type AnsibleVariables } from './model.ts'

/**
 * Reads an inventory of Ansible in its INI form.
 *
 * @param model what was read before it, which it adds to
 *
 * @throws SluiceError INVENTORY_INVALID with the line
 */
export function readIni(path: string, text: string, model = new AnsibleModel()): AnsibleModel {
  const declared = new Set(model.groups.keys())
  const awaited = new Map<string, string>()
  let [section, kind] = ['ungrouped', 'hosts']
  text.split(/\r?\n/).forEach((written, index) => {
    const line = written.trim()
    const at = `${path}:${index + 1}`
    if (line === '' || line.startsWith('#') || line.startsWith(';')) return
    const header = /^\[([^:\]\s]+)(?::(\w+))?\]\s*(?:#.*)?$/.exec(line)
    if (header !== null) {
      ;[, section = '', kind = 'hosts'] = header
      if (!['hosts', 'children', 'vars'].includes(kind)) {
        throw wrong(at, `[${section}:${kind}] should end in :children or :vars, or in neither`)
      }
      model.group(section)
      if (kind === 'vars') awaited.set(section, at)
      else declared.add(section)
    } else if (line.startsWith('[') && line.endsWith(']')) {
      throw wrong(at, `a section should have no spaces in it, got ${line}`)
    } else if (kind === 'hosts') {
      addHosts(model, section, line, at)
    } else if (kind === 'vars') {
      const [, name = '', value = ''] = /^([^=]*)=(.*)$/.exec(line) ?? []
      if (name === '') throw wrong(at, `should be name=value, got "${line}"`)
      model.group(section).variables[name.trim()] = literalOf(value.trim())
    } else {
      const [, child] = /^([^:\]\s]+)\s*(?:#.*)?$/.exec(line) ?? []
      if (child === undefined) throw wrong(at, `should be the name of a group, got "${line}"`)
      model.group(section).children.add(child)
      model.group(child)
      awaited.set(child, at)
    }
  })
  for (const [name, at] of awaited) {
    if (!declared.has(name)) throw wrong(at, `the group ${name} is nowhere declared`)
  }
  return model
}

function addHosts(model: AnsibleModel, group: string, line: string, at: string): void {
  const [pattern = '', ...assignments] = wordsIn(line, at)
  const variables: AnsibleVariables = {}
  for (const assignment of assignments) {
    const equals = assignment.indexOf('=')
    if (equals < 1) throw wrong(at, `after the host there should be name=value, got "${assignment}"`)
    variables[assignment.slice(0, equals)] = literalOf(assignment.slice(equals + 1))
  }
  try {
    const { names, port } = expandHostPattern(pattern)
    for (const name of names) model.addHost(name, group, variables, port)
  } catch (error) {
    if (error instanceof PatternError) throw wrong(at, error.message)
    throw error
  }
}

function wordsIn(line: string, at: string): string[] {
  try {
    return wordsOf(line, { comment: 'anywhere' })
  } catch (error) {
    if (error instanceof OpenQuote) throw wrong(at, error.message)
    throw error
  }
}

function wrong(at: string, subject: string): SluiceError {
  return new SluiceError('INVENTORY_INVALID', {
    subject,
    at,
    advice: 'correct the line; ansible-inventory --list --inventory shows how Ansible reads the file',
  })
}
