import { copyFile, mkdir, readdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import * as v from 'valibot'
import {
  type ArtifactArchitecture,
  type ArtifactSource,
  SourceUnavailable,
  type SourceWork,
} from './artifact.ts'
import { runClient } from './client.ts'
import { type Manifest, manifestDigest } from './manifest.ts'
import { missingProgram } from './prerequisites.ts'

/** Files out of an npm package: the installed one where it is of that version, else from the registry. */
export function npmPackage({
  name,
  version,
  contents,
  licences,
  architecture,
}: {
  name: string
  version: string
  /** SHA-256 by path of what is taken. */
  contents: Manifest
  /** Licence texts that come along. */
  licences: readonly string[]
  architecture: ArtifactArchitecture
}): ArtifactSource {
  return {
    label: `npm ${name}@${version}`,
    version,
    architecture,
    digest: manifestDigest(contents),
    contents: { manifest: contents, advice: 'run npm ci, and npm cache verify, and try again' },
    unmetPrerequisite: async () =>
      (await installedPackage(name, version)) === undefined
        ? missingProgram(['npm', 'tar', 'gzip'], 'install npm, tar and gzip')
        : undefined,
    async obtain(directory, work) {
      const from =
        (await installedPackage(name, version)) ?? (await packedPackage(`${name}@${version}`, work))
      for (const path of [...contents.keys(), ...licences]) {
        await mkdir(dirname(join(directory, path)), { recursive: true })
        await copyFile(join(from, path), join(directory, path))
      }
    },
  }
}

const PackageFile = v.object({ version: v.string() })

async function installedPackage(name: string, version: string): Promise<string | undefined> {
  let file: string
  try {
    file = createRequire(import.meta.url).resolve(`${name}/package.json`)
  } catch (error) {
    // It is an optional dependency: npm leaves out what is for another kind of machine.
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return undefined
    throw error
  }
  const installed = v.safeParse(PackageFile, JSON.parse(await readFile(file, 'utf8')))
  return installed.success && installed.output.version === version ? dirname(file) : undefined
}

async function packedPackage(
  specification: string,
  { scratch, signal, progress }: SourceWork,
): Promise<string> {
  progress(`downloading ${specification} with npm`)
  await runClient(
    'npm',
    ['pack', specification, '--silent', '--ignore-scripts', '--pack-destination', scratch],
    { cwd: scratch, signal, advice: 'install npm, and see that it may reach its registry: npm ping' },
  )
  const packed = (await readdir(scratch)).find((file) => file.endsWith('.tgz'))
  if (packed === undefined) throw new SourceUnavailable(`npm brought no package ${specification}`)
  await runClient('tar', ['-xzf', packed], { cwd: scratch, signal, advice: 'install tar and gzip' })
  return join(scratch, 'package')
}
