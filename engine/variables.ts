import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'
import { reasonOf, SluiceError } from './errors.ts'
import { type Host, type Inventory, Variables } from './inventory.ts'
import { parseWith } from './schemas.ts'

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
  return path.split('.').reduceRight<unknown>((inner, key) => ({ [key]: inner }), parse(value)) as Variables
}

/** @throws SluiceError USAGE when the file cannot be read or is not YAML or JSON with one mapping at its top */
export async function readVariablesFile(path: string): Promise<Variables> {
  const advice = 'write it as YAML or JSON: role names, below them parameters'
  let content: unknown
  try {
    content = parse(await readFile(path, 'utf8'))
  } catch (error) {
    throw new SluiceError('USAGE', {
      subject: `cannot read the vars file ${path}`,
      why: reasonOf(error),
      advice,
      cause: error,
    })
  }
  return parseWith(Variables, content ?? {}, { code: 'USAGE', place: path, advice })
}
