import type { ArtifactSource } from './artifact.ts'

/** An artifact that is made here out of what lies here. */
export function localBuild({
  digest,
  version,
  build,
}: {
  /** Over everything that the result depends on. */
  digest: string
  version: string
  /** Puts the result into `directory`. */
  build(directory: string): Promise<void>
}): ArtifactSource {
  return {
    label: 'built here',
    version,
    architecture: 'all',
    digest,
    async obtain(directory, { progress }) {
      progress('building')
      await build(directory)
    },
  }
}
