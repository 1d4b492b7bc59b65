import { SluiceError } from '../../engine/errors.ts'
import type { Variables } from '../../engine/inventory.ts'
import { type AnsibleVariables, isMapping } from './model.ts'

/** The roles of the pipeline: a variable of such a name is for Sluice, whatever else it may be for. */
export const pipelineRoles = [
  ...['base', 'sshd', 'firewall', 'java', 'zookeeper', 'kafka', 'kafka-topics', 'mongodb'],
  ...['node', 'processor', 'producer'],
]

/** Variables that are for roles. */
export interface RoleVariables {
  variables: Variables
  /** Those that only Ansible can work out, and that are not of the pipeline's roles. */
  leftOut: string[]
}

/**
 * The variables whose values are mappings, by the role that each is for.
 *
 * @throws SluiceError INVENTORY_INVALID when one of the pipeline's needs Ansible to work it out
 */
export function roleVariables(all: AnsibleVariables, place: string): RoleVariables {
  const mappings = Object.entries(all).filter(([, value]) => isMapping(value))
  const unknowable = mappings.flatMap(([name, value]) => {
    const reason = whyUnknowable(value)
    return reason === undefined ? [] : [{ name, ...reason }]
  })
  const needed = unknowable.find(({ name }) => pipelineRoles.includes(name))
  if (needed !== undefined) {
    const { name, why, advice } = needed
    throw new SluiceError('INVENTORY_INVALID', { subject: `${name} has ${why}`, at: place, advice })
  }
  const leftOut = unknowable.map(({ name }) => name)
  return { variables: Object.fromEntries(mappings.filter(([name]) => !leftOut.includes(name))), leftOut }
}

function whyUnknowable(value: unknown): { why: string; advice: string } | undefined {
  const text = JSON.stringify(value)
  if (/\{\{|\{%/.test(text)) {
    return {
      why: 'an expression of Jinja in it, which only Ansible can work out',
      advice: 'write the value itself',
    }
  }
  if (!text.includes('$ANSIBLE_VAULT;')) return undefined
  return {
    why: 'a value from a vault in it, which only Ansible can open',
    advice: 'give it with --vars-file instead',
  }
}
