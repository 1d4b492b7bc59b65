import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ToolCommand } from '../measure.ts'
import type { Workspace } from '../workspace.ts'

const deploys = join(import.meta.dirname, '..', 'pyinfra')

/** pyinfra, which by itself works on all hosts at once. */
export async function pyinfraCommand({
  directory,
  targetsFile,
  declaredFile,
  templateFile,
  knownHosts,
  python,
}: Workspace): Promise<ToolCommand> {
  if (python === undefined) throw new TypeError('pyinfra needs the virtual environment')
  const project = join(directory, 'pyinfra')
  await mkdir(project, { recursive: true })
  return {
    words: [
      join(python.commands, 'pyinfra'),
      '--yes',
      '--sudo',
      join(deploys, 'inventory.py'),
      join(deploys, 'deploy.py'),
    ],
    directory: project,
    environment: {
      BENCH_TARGETS: targetsFile,
      BENCH_DECLARED: declaredFile,
      BENCH_TEMPLATE: templateFile,
      BENCH_KNOWN_HOSTS: knownHosts,
      PATH: `${python.commands}:${process.env.PATH}`,
      PYTHONDONTWRITEBYTECODE: '1',
    },
  }
}

/** How many operations pyinfra says that it carried out, on all hosts together. */
export function pyinfraChanges(output: string): number {
  const total = /^\s*Grand total\s+\d+\s+(\d+|-)/m.exec(output)?.[1]
  return total === undefined || total === '-' ? 0 : Number(total)
}
