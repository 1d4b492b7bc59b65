import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { parseDocument } from 'yaml'
import type { InventorySource } from '../../engine/inventory.ts'
import { staticInventory } from '../static.ts'
import { convert } from './convert.ts'
import { readIni } from './ini.ts'
import type { AnsibleModel } from './model.ts'
import { isAnsibleYaml, readYaml } from './yaml.ts'

/** An inventory that is a file: Sluice's own, in YAML or JSON, or one of Ansible, in YAML or INI. */
export function inventoryFile(path: string): InventorySource {
  const source = staticInventory(path)
  return {
    ...source,
    async load(options) {
      const model = existsSync(path) ? readAnsible(path, await readFile(path, 'utf8')) : undefined
      if (model === undefined) return source.load(options)
      const beside = ['group_vars', 'host_vars'].filter((folder) => existsSync(join(dirname(path), folder)))
      if (beside.length > 0) {
        options.progress(`${path}: read without ${beside.join(' and ')}, which only Ansible reads`)
      }
      return convert(path, model)
    },
  }
}

/** `undefined` when the file is no inventory of Ansible. */
export function readAnsible(path: string, text: string): AnsibleModel | undefined {
  if (!/\.(ya?ml|json)$/.test(path)) return readIni(path, text)
  // Ansible reads YAML 1.1, where "yes" is true.
  const document = parseDocument(text, { version: '1.1', logLevel: 'silent' })
  if (document.errors.length > 0) return undefined
  const content: unknown = document.toJS()
  return isAnsibleYaml(content) ? readYaml(path, content) : undefined
}
