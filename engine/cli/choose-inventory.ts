import { existsSync, readdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { SluiceError } from '../errors.ts'
import type { InventorySource } from '../inventory.ts'
import type { Configuration } from './configuration.ts'
import type { Registry } from './registry.ts'

export interface InventoryChoice {
  /** A registered name, or a path. */
  name: string
  /** What said so. */
  from: 'the command line' | 'sluice.config.json' | 'SLUICE_INVENTORY' | 'the default'
  /** The folder that a relative path is relative to. */
  folder: string
}

/** Which inventory is meant: `--inventory`, else the configuration's, else SLUICE_INVENTORY, else the default. */
export function chooseInventory(
  typed: string | undefined,
  {
    configuration,
    environment,
    fallback,
    projectDirectory,
    workingDirectory,
  }: {
    configuration: Configuration
    environment: NodeJS.ProcessEnv
    fallback: string
    projectDirectory: string
    workingDirectory: string
  },
): InventoryChoice {
  if (typed !== undefined) return { name: typed, from: 'the command line', folder: workingDirectory }
  if (configuration.inventory !== undefined) {
    return { name: configuration.inventory, from: 'sluice.config.json', folder: projectDirectory }
  }
  const { SLUICE_INVENTORY: fromEnvironment = '' } = environment
  if (fromEnvironment !== '') {
    return { name: fromEnvironment, from: 'SLUICE_INVENTORY', folder: workingDirectory }
  }
  return { name: fallback, from: 'the default', folder: projectDirectory }
}

/**
 * Opens the chosen inventory: a registered one by its name, else the file or folder at that path.
 *
 * @throws SluiceError USAGE without a name, INVENTORY_UNKNOWN with what there is
 */
export async function openInventory(
  { name, from, folder }: InventoryChoice,
  registry: Registry,
  projectDirectory: string,
): Promise<InventorySource> {
  const entry = registry.inventories.find((candidate) => candidate.name === name)
  if (entry !== undefined) return entry.load()
  // As a path it would be the folder that one happens to be in.
  if (name.trim() === '') {
    throw new SluiceError('USAGE', {
      subject: 'the inventory has no name',
      at: from,
      why: 'the name is empty, as that of a variable of the shell is which is not set',
      advice: 'name one of `sluice inventory list`, or a file; `--inventory .` is the folder you are in',
    })
  }
  const path = resolve(folder, name)
  const found = existsSync(path) ? statSync(path) : undefined
  if (found?.isFile() || found?.isDirectory()) return registry.openInventoryFile(path)
  const names = registry.inventories.map((candidate) => candidate.name)
  const files = inventoryFiles(projectDirectory)
  throw new SluiceError('INVENTORY_UNKNOWN', {
    subject: `no inventory is called "${name}", and there is no such file`,
    at: from,
    why: `there are: ${[...names, ...files].join(', ')}`,
    advice: 'name one of these, or the path of an inventory file: --inventory path/to/hosts.yaml',
  })
}

/** The inventory files that the project keeps in `inventory/`, as paths from the project's folder. */
export function inventoryFiles(projectDirectory: string): string[] {
  const folder = join(projectDirectory, 'inventory')
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((file) => /\.(ya?ml|json)$/.test(file))
    .sort()
    .map((file) => join('inventory', file))
}
