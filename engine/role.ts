import type * as v from 'valibot'
import type { Facts } from './facts.ts'
import type { Host, Inventory } from './inventory.ts'
import type { Resource } from './resource.ts'
import { parseWith } from './schemas.ts'

/** What a role may know besides its parameters. */
export interface RoleContext {
  host: Host
  facts: Facts
  inventory: Inventory
  /** The hosts of a group, in the inventory's order; empty when there is no such group. */
  group(name: string): Host[]
  /** What another role is told on another host: the port that its service listens on, for example. */
  paramsOf<Params>(role: Role<Params>, host: Host): Params
}

/** One thing that a host can be: parameters in, resources out. It does no I/O. */
export interface Role<Params = unknown> {
  name: string
  /** Reads the variables of a host that are under the role's name. @throws SluiceError VARIABLE_INVALID */
  read(variables: unknown, host: string): Params
  resources(variables: unknown, context: RoleContext): Resource[]
  /** @throws SluiceError why a host cannot be this; what was installed can be removed from it all the same */
  require(variables: unknown, context: RoleContext): void
  description: string
  params: v.GenericSchema
}

export interface RoleDefinition<Schema extends v.GenericSchema<unknown, unknown>> {
  name: string
  description: string
  params: Schema
  resources(params: v.InferOutput<Schema>, context: RoleContext): Resource[]
  /** Throws where a host cannot be this: it is asked before anything is changed there, and not for a removal. */
  require?(params: v.InferOutput<Schema>, context: RoleContext): void
}

/**
 * Defines a role. Its parameters are the variables under its name, `kafka.port` for example.
 *
 * @example
 * defineRole({
 *   name: 'motd',
 *   description: 'greets whoever logs in',
 *   params: v.strictObject({ text: v.optional(v.string(), 'hello') }),
 *   resources: ({ text }) => [file({ path: '/etc/motd', content: `${text}\n` })],
 * })
 */
export function defineRole<Schema extends v.GenericSchema<unknown, unknown>>(
  definition: RoleDefinition<Schema>,
): Role<v.InferOutput<Schema>> {
  const { name, description, params } = definition
  const known = 'entries' in params ? Object.keys(params.entries as object) : []
  const read = (variables: unknown, host: string) =>
    parseWith(params, variables ?? {}, {
      code: 'VARIABLE_INVALID',
      place: `${host} > ${name}`,
      ...(known.length > 0 && { why: `its parameters: ${known.join(', ')}` }),
      advice: `correct the variable under "${name}" in the inventory, the vars file or --var`,
    })
  return {
    name,
    description,
    params,
    read,
    resources: (variables, context) => definition.resources(read(variables, context.host.name), context),
    require: (variables, context) => definition.require?.(read(variables, context.host.name), context),
  }
}
