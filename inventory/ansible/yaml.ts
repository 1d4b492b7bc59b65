import * as v from 'valibot'
import { SluiceError } from '../../engine/errors.ts'
import { parseWith } from '../../engine/schemas.ts'
import { expandHostPattern, PatternError } from './host-pattern.ts'
import { AnsibleModel, type AnsibleVariables, isMapping } from './model.ts'

const advice = 'correct the file; ansible-inventory --list --inventory shows how Ansible reads it'

const Groups = v.custom<AnsibleVariables>(isMapping, 'should be a mapping')
const Mapping = v.nullish(Groups)
const Group = v.nullable(v.strictObject({ hosts: Mapping, vars: Mapping, children: Mapping }))
const HostVariables = v.nullable(Groups)

/**
 * Whether a document looks like an inventory of Ansible: groups at its top, with hosts, groups or variables below, if
 * anything is below them.
 */
export function isAnsibleYaml(content: unknown): boolean {
  if (!v.is(Groups, content) || 'policy' in content) return false
  const groups = Object.values(content)
  const parts = groups.flatMap((group) => (v.is(Groups, group) ? Object.keys(group) : []))
  if (parts.length > 0) return parts.every((key) => key in Group.wrapped.entries)
  const names = Object.keys(content)
  return v.is(v.array(Group), groups) && names.length > 0 && !names.some((name) => name in ownParts)
}

/** What Sluice's own form has at its top. */
const ownParts = { groups: true, hosts: true, defaults: true, variables: true, jumpHosts: true }

/**
 * Reads the content of an inventory of Ansible in its YAML form.
 *
 * @param model what was read before it, which it adds to
 *
 * @throws SluiceError INVENTORY_INVALID with the place in the file
 */
export function readYaml(path: string, content: unknown, model = new AnsibleModel()): AnsibleModel {
  const read = <Schema extends v.GenericSchema>(schema: Schema, input: unknown, at: readonly string[]) =>
    parseWith(schema, input, { code: 'INVENTORY_INVALID', place: [path, ...at].join(' > '), advice })
  const addGroup = (name: string, input: unknown, at: readonly string[]) => {
    const { hosts, vars, children } = read(Group, input, at) ?? {}
    const group = model.group(name)
    Object.assign(group.variables, vars)
    for (const [pattern, variables] of Object.entries(hosts ?? {})) {
      const place = [...at, 'hosts', pattern]
      const own = read(HostVariables, variables ?? null, place)
      const { names, port } = expanded(pattern, [path, ...place].join(' > '))
      for (const host of names) model.addHost(host, name, own ?? {}, port)
    }
    for (const [child, below] of Object.entries(children ?? {})) {
      group.children.add(child)
      addGroup(child, below ?? null, [...at, 'children', child])
    }
  }
  for (const [name, group] of Object.entries(read(Groups, content, []))) addGroup(name, group ?? null, [name])
  return model
}

function expanded(pattern: string, at: string): ReturnType<typeof expandHostPattern> {
  try {
    return expandHostPattern(pattern)
  } catch (error) {
    if (!(error instanceof PatternError)) throw error
    throw new SluiceError('INVENTORY_INVALID', { subject: error.message, at, advice })
  }
}
