import { existsSync, statSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { SluiceError } from '../../engine/errors.ts'
import type { Inventory, InventorySource, LoadOptions } from '../../engine/inventory.ts'
import { staticInventory } from '../static.ts'
import type { Surroundings } from './configuration-file.ts'
import { convert } from './convert.ts'
import type { AnsibleModel } from './model.ts'
import { type AnsibleSettings, ansibleSettings } from './settings.ts'
import { inventoryText, readAnsible, readSources } from './sources.ts'
import { addVariableFiles } from './variable-files.ts'

const here = (): Surroundings => ({ environment: process.env, folder: process.cwd() })

/**
 * An inventory that is a file or a folder: Sluice's own, in YAML or JSON, one of Ansible, in YAML or INI, a folder of
 * those, or the ones that an `ansible.cfg` names.
 */
export function inventoryFile(path: string, around = here()): InventorySource {
  const own = staticInventory(path)
  return {
    ...own,
    async load(options) {
      if (basename(path) === 'ansible.cfg') return loadNamed(path, ansibleSettings(around, path), options)
      if (!existsSync(path)) return own.load(options)
      if (statSync(path).isDirectory()) {
        const settings = ansibleSettings(around)
        const model = readSources([path], { ...settings, progress: options.progress })
        return load({ name: path, folder: path, sources: [path] }, { model, settings }, options)
      }
      const model = readAnsible(path, inventoryText(path))
      if (model === undefined) return own.load(options)
      const origin = { name: path, folder: dirname(path), sources: [path] }
      return load(origin, { model, settings: ansibleSettings(around) }, options)
    },
  }
}

/** The inventories that the user's configuration of Ansible names, found where Ansible finds it. */
export const configuredInventory: InventorySource = {
  name: 'ansible',
  summary: 'the inventories that your ansible.cfg names, with its login',
  load: async (options) => loadNamed('ansible', ansibleSettings(here()), options),
}

async function loadNamed(name: string, settings: AnsibleSettings, options: LoadOptions): Promise<Inventory> {
  const { file, inventory: sources = ['/etc/ansible/hosts'] } = settings
  if (settings.inventory === undefined && !existsSync('/etc/ansible/hosts')) {
    throw new SluiceError('INVENTORY_INVALID', {
      subject: 'nothing says which inventories of Ansible are meant',
      at: file ?? 'ANSIBLE_CONFIG, ./ansible.cfg, ~/.ansible.cfg and /etc/ansible/ansible.cfg',
      advice: 'put "inventory = hosts" below [defaults] there, or name one: --inventory path/to/hosts',
    })
  }
  const model = readSources(sources, { ...settings, progress: options.progress })
  const folder = file === undefined ? process.cwd() : dirname(file)
  return load({ name, folder, sources }, { model, settings }, options)
}

function load(
  { name, folder, sources }: { name: string; folder: string; sources: readonly string[] },
  { model, settings }: { model: AnsibleModel; settings: AnsibleSettings },
  options: LoadOptions,
): Promise<Inventory> {
  for (const remark of settings.remarks) options.progress(remark)
  for (const encrypted of addVariableFiles(sources, model)) {
    options.progress(`${encrypted}: left out, it is encrypted, and only Ansible opens it`)
  }
  return convert({ name, folder, login: settings.login }, model, options)
}
