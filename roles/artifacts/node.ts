import type { Artifact } from '../../engine/artifacts/artifact.ts'
import { npmPackage } from '../../engine/artifacts/npm-package.ts'
import { publishedArchive } from '../../engine/artifacts/published-archive.ts'
import type { Facts } from '../../engine/facts.ts'

/** The version that package.json pins for the controller, too. */
export const nodeVersion = '24.21.0'

const pins = {
  amd64: {
    machine: 'x64',
    program: '7fde7b8afa198da66257f42ee2001d874c7355631e6d1579a5fb5ef1f246df4c',
    archive: '6e1db87ef58b8819e5d5402eff1536491b18edd8eb7bee5ef7897876e88dc5ff',
  },
  arm64: {
    machine: 'arm64',
    program: '0f8949d1028f6d61506b2d5bc57e7e6fe893d7b1997509b7847294fc9c616584',
    archive: '724282c3b43aec998aa9527380465b45d229e021b58035f5f4f63095eabfe5d5',
  },
}

/** `bin/node` for hosts. The npm package comes first: it is the same file, and npm has mostly brought it already. */
export function nodeArtifact(architecture: Facts['architecture']): Artifact {
  const { machine, program, archive } = pins[architecture]
  const contents = new Map([['bin/node', program]])
  return {
    name: 'node',
    version: nodeVersion,
    sources: [
      npmPackage({
        name: `node-linux-${machine}`,
        version: nodeVersion,
        contents,
        licences: ['LICENSE'],
        architecture,
      }),
      publishedArchive({
        url: `https://nodejs.org/dist/v${nodeVersion}/node-v${nodeVersion}-linux-${machine}.tar.gz`,
        checksum: { algorithm: 'sha256', hex: archive },
        version: nodeVersion,
        architecture,
        place: (path) => (path === 'bin/node' || path === 'LICENSE' ? path : undefined),
        pinned: contents,
      }),
    ],
  }
}
