import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Artifact } from '../../engine/artifacts/artifact.ts'
import { localBuild } from '../../engine/artifacts/local-build.ts'

/** An archive that is made on the controller, as the programs of the runtime are; what is in it says which version it is. */
export function bundle(version = '1'): Artifact {
  const digest = createHash('sha256').update(version).digest('hex')
  const build = (folder: string) => writeFile(join(folder, 'program.cjs'), `console.log(${version})\n`)
  return { name: 'bundle', version, sources: [localBuild({ digest, version, build })] }
}
