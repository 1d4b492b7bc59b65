import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ArtifactSource, SourceWork } from './artifact.ts'
import { runClient } from './client.ts'
import { type Manifest, manifestDigest } from './manifest.ts'
import { missingProgram } from './prerequisites.ts'

export interface MavenDependency {
  /** `group:artifact:version` */
  coordinate: string
  /** `group:artifact` of what is left out, though it depends on it. */
  exclude?: readonly string[]
}

const advice = 'install Maven: apt-get install maven'

/** Jars with everything that they depend on, from the Maven repository that this machine is set up for, in `libs/`. */
export function mavenJars({
  dependencies,
  manifest,
  version,
}: {
  dependencies: readonly MavenDependency[]
  /** Every jar, as `libs/<file>`. */
  manifest: Manifest
  version: string
}): ArtifactSource {
  return {
    label: 'Maven',
    version,
    architecture: 'all',
    digest: manifestDigest(manifest),
    contents: {
      manifest,
      advice: "remove that jar from Maven's local repository (~/.m2) and run again",
    },
    unmetPrerequisite: () => missingProgram(['mvn'], advice),
    async obtain(directory, work) {
      work.progress(`resolving ${manifest.size} jars with Maven`)
      await resolveMavenJars(dependencies, directory, work)
    },
  }
}

/**
 * Has Maven put the dependencies and all that they need to run into `<directory>/libs`.
 *
 * @throws SourceUnavailable
 */
export async function resolveMavenJars(
  dependencies: readonly MavenDependency[],
  directory: string,
  { scratch, signal }: Pick<SourceWork, 'scratch' | 'signal'>,
): Promise<void> {
  const jars = join(directory, 'libs')
  await mkdir(jars, { recursive: true })
  await writeFile(join(scratch, 'pom.xml'), pom(dependencies))
  await runClient(
    'mvn',
    ['-q', '-B', 'dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${jars}`],
    { cwd: scratch, signal, advice },
  )
}

function pom(dependencies: readonly MavenDependency[]): string {
  const identity = (coordinate: string) => {
    const [group, artifact, version] = coordinate.split(':')
    return [
      `<groupId>${group}</groupId><artifactId>${artifact}</artifactId>`,
      ...(version === undefined ? [] : [`<version>${version}</version>`]),
    ].join('')
  }
  return [
    '<project xmlns="http://maven.apache.org/POM/4.0.0">',
    '<modelVersion>4.0.0</modelVersion>',
    identity('sluice:artifact:1'),
    '<dependencies>',
    ...dependencies.map(({ coordinate, exclude = [] }) => {
      const exclusions = exclude.map((left) => `<exclusion>${identity(left)}</exclusion>`).join('')
      return `<dependency>${identity(coordinate)}<exclusions>${exclusions}</exclusions></dependency>`
    }),
    '</dependencies>',
    '</project>',
    '',
  ].join('\n')
}
