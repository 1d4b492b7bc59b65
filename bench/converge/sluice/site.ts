import { main } from '../../../engine/cli/main.ts'
import type { Registry } from '../../../engine/cli/registry.ts'

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
