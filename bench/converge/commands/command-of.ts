import type { ToolCommand } from '../measure.ts'
import type { ToolName } from '../tools.ts'
import type { Workspace } from '../workspace.ts'
import { ansibleChanges, ansibleCommand } from './ansible.ts'
import { floorCommand } from './floor.ts'
import { pyinfraChanges, pyinfraCommand } from './pyinfra.ts'
import { sluiceChanges, sluiceCommand } from './sluice.ts'

/** Writes what a tool needs into the workspace; the command that brings the workspace's targets to what is declared. */
export function commandOf(tool: ToolName, workspace: Workspace): Promise<ToolCommand> {
  const commands: Record<ToolName, () => Promise<ToolCommand>> = {
    sluice: () => sluiceCommand(workspace),
    ansible: () => ansibleCommand(workspace, { mitogen: false }),
    mitogen: () => ansibleCommand(workspace, { mitogen: true }),
    pyinfra: () => pyinfraCommand(workspace),
    floor: () => floorCommand(workspace),
  }
  return commands[tool]()
}

/** How many changes a tool says that it made. */
export const changesIn: Record<ToolName, (output: string) => number> = {
  sluice: sluiceChanges,
  ansible: ansibleChanges,
  mitogen: ansibleChanges,
  pyinfra: pyinfraChanges,
  floor: () => 0,
}
