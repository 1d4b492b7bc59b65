import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as v from 'valibot'
import type { Artifact } from '../../engine/artifacts/artifact.ts'
import { localBuild } from '../../engine/artifacts/local-build.ts'

const project = fileURLToPath(new URL('../..', import.meta.url))

/** One of our own programs: bundled from `runtime/` only when hosts or the cache lack it, or as the package brings it. */
export function runtimeArtifact(program: 'processor' | 'producer'): Artifact {
  const { version } = v.parse(
    v.object({ version: v.string() }),
    JSON.parse(readFileSync(`${project}/package.json`, 'utf8')),
  )
  return {
    name: program,
    version,
    sources: [localBuild({ version, ...(fromPackage(program) ?? fromSources(program)) })],
  }
}

interface Build {
  digest: string
  build(directory: string): Promise<void>
}

/** In an installed package the programs lie bundled, as they were tested. */
function fromPackage(program: string): Build | undefined {
  const bundled = `${project}/runtime/${program}.cjs`
  if (!existsSync(bundled)) return undefined
  return {
    // Of the sources that it was made of, so that a package and a clone of one version release the same.
    digest: readFileSync(`${bundled}.digest`, 'utf8').trim(),
    async build(directory) {
      await mkdir(directory, { recursive: true })
      await copyFile(bundled, join(directory, `${program}.cjs`))
    },
  }
}

function fromSources(program: 'processor' | 'producer'): Build {
  return {
    digest: sourceDigest(program),
    async build(directory) {
      // Everything else in roles/ does without the runtime and its dependencies.
      const { bundleRuntime } = await import('../../runtime/bundle.ts')
      await bundleRuntime(program, directory)
    },
  }
}

/** Over all sources of the runtime, and the lock file, which says what else goes into a bundle. */
export function sourceDigest(program: string): string {
  const sources = readdirSync(`${project}/runtime`, { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.(ts|html|css|svg)$/.test(path))
    .sort()
    .map((path) => `runtime/${path}`)
  const hash = createHash('sha256').update(program)
  for (const path of [...sources, 'package-lock.json']) {
    hash.update(`\0${path}\0`).update(readFileSync(`${project}/${path}`))
  }
  return hash.digest('hex')
}
