import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import type { ToolCommand } from '../measure.ts'
import type { Workspace } from '../workspace.ts'

const program = join(import.meta.dirname, '..', 'sluice', 'site.ts')

/** Sluice by its command line, in a project folder of its own, with the inventory in a file. */
export async function sluiceCommand({ directory, targets }: Workspace): Promise<ToolCommand> {
  const project = join(directory, 'sluice')
  await mkdir(project, { recursive: true })
  await writeFile(join(project, 'sluice.config.json'), '{ "inventory": "hosts.yaml" }\n')
  const hosts = targets.map(({ name, ...rest }) => [name, { ...rest, groups: ['bench'] }])
  const inventory = {
    groups: { bench: null },
    hosts: Object.fromEntries(hosts),
    policy: { admin: [], rules: [] },
  }
  await writeFile(join(project, 'hosts.yaml'), stringify(inventory))
  return {
    words: [process.execPath, '--disable-warning=TimeoutNegativeWarning', program, 'converge'],
    directory: project,
    environment: {},
  }
}

/** How many things Sluice says that it changed, on all hosts together. */
export function sluiceChanges(output: string): number {
  return sum(output.matchAll(/\bchanged (\d+)/g))
}

/** The sum of the numbers that an expression's first group found. */
export function sum(found: Iterable<RegExpExecArray>): number {
  return [...found].reduce((total, [, number]) => total + Number(number), 0)
}
