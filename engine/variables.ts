import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'
import { type ErrorDetails, reasonOf, SluiceError } from './errors.ts'
import type { Host, Inventory, Variables } from './inventory.ts'

/**
 * The variables of one host, later ones winning: the inventory's, its groups' (in the order that the host names
 * them), the host's own, then `overrides` (vars files and `--var`, in the order given). Roles add their defaults.
 */
export function variablesOf(host: Host, inventory: Inventory, overrides: readonly Variables[]): Variables {
  const layers = [
    inventory.variables,
    ...host.groups.map((group) => inventory.groupVariables[group] ?? {}),
    host.variables,
    ...overrides,
  ]
  return layers.reduce((merged, layer) => mergeVariables(merged, layer), {})
}

/** The inventory, as if every host said itself what vars files and `--var` say. */
export function withOverrides(inventory: Inventory, overrides: readonly Variables[]): Inventory {
  const hosts = inventory.hosts.map((host) => ({
    ...host,
    variables: overrides.reduce((merged, layer) => mergeVariables(merged, layer), host.variables),
  }))
  return { ...inventory, hosts }
}

/**
 * A mistyped role would leave its parameters at their defaults without a word.
 *
 * @throws SluiceError VARIABLE_INVALID for variables of a role that there is not
 */
export function refuseUnknownRoles(
  { name, variables, groupVariables, sharedVariables = false }: Inventory,
  hosts: readonly Host[],
  overrides: readonly Variables[],
  roles: readonly string[],
): void {
  const inUse = new Set(hosts.flatMap(({ groups }) => groups))
  const ofInventory: [string, Variables][] = [
    [name, variables],
    ...Object.entries(groupVariables)
      .filter(([group]) => inUse.has(group))
      .map(([group, own]): [string, Variables] => [`${name} > ${group}`, own]),
    ...hosts.map((host): [string, Variables] => [`${name} > ${host.name}`, host.variables]),
  ]
  const layers: [string, Variables][] = [
    ...overrides.map((override): [string, Variables] => ['a vars file or --var', override]),
    ...(sharedVariables ? [] : ofInventory),
  ]
  for (const [at, layer] of layers) {
    const unknown = Object.keys(layer).find((role) => !roles.includes(role))
    if (unknown === undefined) continue
    throw new SluiceError('VARIABLE_INVALID', {
      subject: `the variable "${unknown}" belongs to no role`,
      at,
      why: `the roles: ${roles.join(', ')}`,
      advice: 'variables are named role.parameter, for example kafka.heapMb',
    })
  }
}

/** Variables of two places in one: where both say something, `high` wins, parameter by parameter. */
export function mergeVariables(low: Variables, high: Variables): Variables {
  const merged: Variables = { ...low }
  for (const [key, value] of Object.entries(high)) {
    const under = merged[key]
    merged[key] = isTree(under) && isTree(value) ? mergeVariables(under, value) : value
  }
  return merged
}

function isTree(value: unknown): value is Variables {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * Reads `role.parameter=value`; the value is read as YAML, so `12`, `true` and `[a, b]` have their types
 * and everything else is text.
 *
 * @throws SluiceError USAGE
 */
export function parseVariable(text: string): Variables {
  const match = /^([a-zA-Z0-9_-]+(?:\.[a-zA-Z0-9_-]+)+)=(.*)$/s.exec(text)
  if (match === null) {
    throw new SluiceError('USAGE', {
      subject: `--var should be role.parameter=value, got "${text}"`,
      advice: 'for example --var kafka.heapMb=512',
    })
  }
  const [, path = '', value = ''] = match
  const read = parsed(value, (why) => ({
    subject: `the value of --var ${path} is no YAML: ${value}`,
    why,
    advice: `put what is to be text in quotes of its own: --var '${path}="…"'`,
  }))
  return path.split('.').reduceRight<unknown>((inner, key) => ({ [key]: inner }), read) as Variables
}

/** @throws SluiceError USAGE when the file cannot be read or is not YAML or JSON with one mapping at its top */
export async function readVariablesFile(path: string): Promise<Variables> {
  const advice = 'write it as YAML or JSON: role names, below them parameters'
  const subject = `cannot read the vars file ${path}`
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new SluiceError('USAGE', {
      subject,
      why: reasonOf(cause),
      advice: 'name a file that is there and that you may read',
      cause,
    })
  })
  const content = parsed(text, (why) => ({ subject, why, advice })) ?? {}
  if (isTree(content)) return content
  throw new SluiceError('USAGE', {
    subject: `a vars file should have one mapping at its top, this one has ${Array.isArray(content) ? 'a list' : 'one value'}`,
    at: path,
    advice,
  })
}

function parsed(text: string, problem: (why: string) => ErrorDetails): unknown {
  try {
    return parse(text)
  } catch (cause) {
    throw new SluiceError('USAGE', { ...problem(reasonOf(cause)), cause })
  }
}
