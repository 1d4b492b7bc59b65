import { createHash } from 'node:crypto'
import { realpathSync } from 'node:fs'

/** The hosts of virtual machines that nothing is said about: those of the pipeline. */
export const pipelineHosts = {
  vm1: { role: 'kafka' },
  vm2: { role: 'mongodb' },
  vm3: { role: 'processor' },
  vm4: { role: 'producers' },
}

/** What the names of a project's virtual machines begin with: no other folder on this machine has the same. */
export function projectPrefix(projectDirectory: string): string {
  const hash = createHash('sha256').update(realpathSync(projectDirectory)).digest('hex')
  return `sluice-${hash.slice(0, 6)}`
}
