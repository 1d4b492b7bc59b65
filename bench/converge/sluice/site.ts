import type { Registry } from '../../../engine/cli/registry.ts'
import { keepCompiledCode } from '../../../engine/compile-cache.ts'

// As sluice.ts does, before anything else is loaded.
keepCompiledCode()
const { main } = await import('../../../engine/cli/main.ts')

/** A user's own project as small as it can be: one playbook, and an inventory in a file. */
const registry: Registry = {
  version: '1.0.0',
  playbooks: [
    {
      name: 'converge',
      summary: 'brings hosts to what the bench declares',
      createsHosts: false,
      examples: [],
      load: async () => (await import('./playbook.ts')).converge,
    },
  ],
  destroyed: 'converge',
  inventories: [],
  defaultInventory: 'hosts.yaml',
  openInventoryFile: async (path) => (await import('../../../inventory/static.ts')).staticInventory(path),
  checks: [],
  lab: { load: async () => (await import('../../../inventory/lab-controls.ts')).labControls },
}

process.exitCode = await main(process.argv.slice(2), registry, process)
