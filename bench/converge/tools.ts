/** Who is measured. The floor is no tool: it only reads, with what everybody has. */
export const toolNames = ['sluice', 'ansible', 'mitogen', 'pyinfra', 'floor'] as const
export type ToolName = (typeof toolNames)[number]

export const toolTitles: Record<ToolName, string> = {
  sluice: 'Sluice',
  ansible: 'ansible-core',
  mitogen: 'ansible-core + Mitogen',
  pyinfra: 'pyinfra',
  floor: 'floor (parallel ssh)',
}

/** What is measured. The floor has only the one that changes nothing. */
export const phases = ['first', 'nothing', 'drift'] as const
export type Phase = (typeof phases)[number]

export const phaseTitles: Record<Phase, string> = {
  first: 'first run',
  nothing: 'nothing to change',
  drift: 'one drifted file',
}
