import type { Artifact } from '../../engine/artifacts/artifact.ts'
import { npmPackage } from '../../engine/artifacts/npm-package.ts'
import type { Facts } from '../../engine/facts.ts'

const version = '3.3.4'

const pins = {
  amd64: {
    machine: 'x64',
    notice: '3356169c6543eabe0905ea9bc7d2665b91ce8d0a1568fd0428ff04690ec870c6',
    binding: 'bee3ebc173f47178269e8441fbfd90899c8fe6bc3c948f481c79670f924b1725',
  },
  arm64: {
    machine: 'arm64',
    notice: '3c37620dd9a4d5f2b1006259beea39e12dbda3dc867234eadcfc76539a36dabc',
    binding: '7086182b845ae3a0e22113513c9a4e4f2b7838814b079c9a91270887eab1adf1',
  },
}

/** Where the binding lies in the artifact. */
export const koffiBinding = (architecture: Facts['architecture']): string =>
  `linux_${pins[architecture].machine}/koffi.node`

/**
 * What lets a Node program call a C library, for hosts whose GPUs are read through NVML: one file of 1.1 MB, which
 * comes to those hosts only. It is no part of a bundle, which runs on every architecture.
 */
export function koffiArtifact(architecture: Facts['architecture']): Artifact {
  const { machine, notice, binding } = pins[architecture]
  return {
    name: 'koffi',
    version,
    sources: [
      npmPackage({
        name: `@koromix/koffi-linux-${machine}`,
        version,
        contents: new Map([
          [koffiBinding(architecture), binding],
          // It names author and licence, MIT; the package has no text of that.
          ['package.json', notice],
        ]),
        licences: [],
        architecture,
      }),
    ],
  }
}
