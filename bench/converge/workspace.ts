import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { declared } from './declared.ts'
import { type Target, writeSshFiles } from './targets.ts'
import type { VirtualEnvironment } from './virtual-environment.ts'

/** A folder with what the tools are told about one set of targets. */
export interface Workspace {
  directory: string
  targets: readonly Target[]
  targetsFile: string
  declaredFile: string
  templateFile: string
  knownHosts: string
  sshConfiguration: string
  /** Not there when no tool of Python's is measured. */
  python: VirtualEnvironment | undefined
}

export async function makeWorkspace(
  directory: string,
  targets: readonly Target[],
  python: VirtualEnvironment | undefined,
): Promise<Workspace> {
  await mkdir(directory, { recursive: true })
  const targetsFile = join(directory, 'targets.json')
  const declaredFile = join(directory, 'declared.json')
  await writeFile(targetsFile, JSON.stringify(targets))
  await writeFile(declaredFile, JSON.stringify(declared))
  const { knownHosts, configuration } = await writeSshFiles(directory, targets)
  return {
    directory,
    targets,
    targetsFile,
    declaredFile,
    templateFile: join(import.meta.dirname, 'templates', 'app.conf.j2'),
    knownHosts,
    sshConfiguration: configuration,
    python,
  }
}
