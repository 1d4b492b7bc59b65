import type { RunResult } from '../events.ts'
import type { CloudControls, CloudOptions, CloudRun, CloudWishes } from './cloud-controls.ts'
import type { RunCommandOptions } from './options.ts'
import type { InventoryEntry } from './registry.ts'
import { type RunManner, showRun } from './run-command.ts'
import { inventoryChoice, type Session } from './session.ts'

/** The entry of the inventory that is meant; `undefined` when that is a file. */
function registeredInventory(
  session: Session,
  { inventory }: { inventory?: string },
): InventoryEntry | undefined {
  const { name } = inventoryChoice(session, inventory)
  return session.registry.inventories.find((entry) => entry.name === name)
}

/** What makes and removes the hosts of the inventory that is meant, where a provider does. */
export async function cloudOf(
  session: Session,
  options: { inventory?: string },
): Promise<CloudControls | undefined> {
  return registeredInventory(session, options)?.cloud?.load()
}

export function cloudOptions(
  { projectDirectory, progress, signal }: Session,
  wishes: CloudWishes = {},
): CloudOptions {
  return { projectDirectory, wishes, progress, signal }
}

/** Makes or removes hosts as any playbook is run: shown, recorded, gone on with when it is run again. */
export function showCloudRun(
  session: Session,
  { playbook, inventory, connect }: CloudRun,
  options: Omit<RunCommandOptions, 'check'>,
  manner: Pick<RunManner, 'mode' | 'removeData'>,
): Promise<RunResult> {
  const chosen = { inventory, hosts: inventory.hosts }
  return showRun(session, chosen, { playbook, overrides: [], knownRoles: [] }, options, {
    ...manner,
    connect,
  })
}
