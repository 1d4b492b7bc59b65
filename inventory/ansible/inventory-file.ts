import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { InventorySource } from '../../engine/inventory.ts'
import { staticInventory } from '../static.ts'
import { convert } from './convert.ts'
import { readIni } from './ini.ts'
import type { AnsibleModel } from './model.ts'
import { addVariableFiles } from './variable-files.ts'
import { isAnsibleYaml, readYaml } from './yaml.ts'
import { parseYaml } from './yaml-text.ts'

/** An inventory that is a file: Sluice's own, in YAML or JSON, or one of Ansible, in YAML or INI. */
export function inventoryFile(path: string): InventorySource {
  const source = staticInventory(path)
  return {
    ...source,
    async load(options) {
      const model = existsSync(path) ? readAnsible(path, await readFile(path, 'utf8')) : undefined
      if (model === undefined) return source.load(options)
      for (const encrypted of addVariableFiles(path, model)) {
        options.progress(`${encrypted}: left out, it is encrypted, and only Ansible opens it`)
      }
      return convert(path, model, options)
    },
  }
}

/** `undefined` when the file is no inventory of Ansible. */
export function readAnsible(path: string, text: string): AnsibleModel | undefined {
  if (!/\.(ya?ml|json)$/.test(path)) return readIni(path, text)
  const { content, mistake } = parseYaml(text)
  return mistake === undefined && isAnsibleYaml(content) ? readYaml(path, content) : undefined
}
