import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { cacheDirectory } from '../cache-directory.ts'
import { isRunning } from '../running-process.ts'
import type { Artifact, ArtifactSource } from './artifact.ts'
import { fileDigest } from './checksum.ts'
import { packTarball } from './tarball.ts'

/** Where artifacts are kept: below `SLUICE_CACHE`, the user's cache directory, or `~/.cache`. */
export function artifactCacheDirectory(environment: NodeJS.ProcessEnv = process.env): string {
  return join(cacheDirectory(environment), 'artifacts')
}

/** A packed artifact's file name: what it is, for which machines, and the beginning of its digest. */
export function packedName({ name }: Artifact, { version, architecture, digest }: ArtifactSource): string {
  return `${name}-${version}-${architecture}-${digest.slice(0, 12)}.tar.gz`
}

export interface PackedFile {
  path: string
  sha256: string
  sizeBytes: number
}

/**
 * The packed artifact of that name, as it was put there. One that is damaged is removed, and is not there.
 *
 * @param onDamage told what was removed
 */
export async function findPacked(
  cacheDirectory: string,
  fileName: string,
  onDamage: (message: string) => void,
): Promise<PackedFile | undefined> {
  const path = join(cacheDirectory, fileName)
  const record = await readIfThere(`${path}.sha256`)
  const size = await stat(path).then(
    ({ size }) => size,
    () => undefined,
  )
  if (size === undefined) return undefined
  const expected = record?.slice(0, 64)
  const sha256 = await fileDigest(path)
  if (sha256 === expected) return { path, sha256, sizeBytes: size }
  await rm(path, { force: true })
  onDamage(`${fileName} in the cache was damaged and is removed`)
  return undefined
}

/** Whether a source's artifact is in the cache; its bytes are not looked at. */
export function isPacked(
  cacheDirectory: string,
  artifact: Artifact,
  source: ArtifactSource,
): Promise<boolean> {
  return stat(join(cacheDirectory, packedName(artifact, source))).then(
    (found) => found.isFile(),
    () => false,
  )
}

/** Packs a directory into the cache. The name shows only the whole file, whoever else packs the same now. */
export async function storePacked(
  path: string,
  { directory, work, signal }: { directory: string; work: string; signal: AbortSignal | undefined },
): Promise<PackedFile> {
  const fileName = basename(path)
  const packed = join(work, fileName)
  const { sha256, sizeBytes } = await packTarball(directory, packed, signal)
  await writeFile(`${packed}.sha256`, `${sha256}  ${fileName}\n`)
  // The record first: an archive without one would count as damaged.
  await rename(`${packed}.sha256`, `${path}.sha256`)
  await rename(packed, path)
  return { path, sha256, sizeBytes }
}

/** A new directory for one piece of work, named for this process; those of processes that are gone are removed. */
export async function workDirectory(cacheDirectory: string): Promise<string> {
  const home = join(cacheDirectory, 'work')
  await mkdir(home, { recursive: true, mode: 0o700 })
  for (const entry of await readdir(home)) {
    if (!isRunning(Number(entry.split('.')[0]))) await rm(join(home, entry), { recursive: true, force: true })
  }
  return await mkdtemp(join(home, `${process.pid}.`))
}

/**
 * A file for a download of that name, which no running process writes to: what an interrupted one left, or a new one.
 */
export async function partialFile(partialDirectory: string, fileName: string): Promise<string> {
  const own = join(partialDirectory, `${fileName}.${process.pid}.part`)
  await mkdir(dirname(own), { recursive: true, mode: 0o700 })
  const left = (await readdir(partialDirectory)).filter(
    (entry) =>
      entry.startsWith(`${fileName}.`) &&
      entry.endsWith('.part') &&
      !isRunning(Number(entry.split('.').at(-2))),
  )
  for (const entry of left) {
    // Another process may take it first; then there is nothing to continue.
    await rename(join(partialDirectory, entry), own).catch(ignoreMissing)
  }
  return own
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    ignoreMissing(error)
    return undefined
  }
}

function ignoreMissing(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
}
