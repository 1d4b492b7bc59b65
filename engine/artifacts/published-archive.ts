import { mkdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import {
  type ArtifactArchitecture,
  type ArtifactSource,
  type Checksum,
  type PublishedArchive,
  SourceUnavailable,
  type SourceWork,
} from './artifact.ts'
import { partialFile } from './cache.ts'
import { fileDigest, filesBelow, wrongChecksum } from './checksum.ts'
import { runClient } from './client.ts'
import { download } from './download.ts'
import { type Manifest, manifestDigest } from './manifest.ts'
import { missingConnection, missingProgram } from './prerequisites.ts'

const tarAdvice = 'install tar and gzip'

/** The .tar.gz archive that an artifact's makers publish, by its address and checksum. */
export function publishedArchive({
  url,
  checksum,
  version,
  architecture,
  place,
  pinned,
}: {
  url: string
  checksum: Checksum
  version: string
  architecture: ArtifactArchitecture
  place: PublishedArchive['place']
  /** What is taken out of it, where known: then that is the artifact's identity. */
  pinned?: Manifest
}): ArtifactSource {
  const address = new URL(url)
  const archive = { fileName: basename(address.pathname), checksum, place }
  return {
    label: address.host,
    version,
    architecture,
    digest: pinned === undefined ? checksum.hex : manifestDigest(pinned),
    ...(pinned && {
      contents: { manifest: pinned, advice: 'the pins of this archive contradict each other: report this' },
    }),
    archive,
    unmetPrerequisite: async () =>
      (await missingProgram(['tar', 'gzip'], tarAdvice)) ?? (await missingConnection(address)),
    obtain: async (directory, work) => {
      const file = await fetchArchive(address, archive, work)
      await unpackArchive(file, archive, directory, work)
      await rm(file)
    },
  }
}

/**
 * Downloads an archive and checks it.
 *
 * @returns the file, which the caller removes
 * @throws SluiceError ARTIFACT_CHECKSUM, with the file removed
 */
export async function fetchArchive(
  url: URL,
  { fileName, checksum }: Pick<PublishedArchive, 'fileName' | 'checksum'>,
  { partialDirectory, signal, progress }: SourceWork,
): Promise<string> {
  const file = await partialFile(partialDirectory, fileName)
  const { algorithm, hex: expected } = checksum
  for (const attempt of ['continued', 'anew']) {
    let continued = false
    await download(url, {
      file,
      signal,
      onProgress: (bytes) => progress(`downloading ${fileName} from ${url.host}`, bytes),
      onContinue: () => {
        continued = true
      },
    })
    const actual = await fileDigest(file, algorithm)
    if (actual === expected) return file
    await rm(file)
    // What an earlier run left may be the part that is wrong, so only a whole download is the server's fault.
    if (continued && attempt === 'continued') continue
    throw wrongChecksum({
      file: fileName,
      algorithm,
      expected,
      actual,
      source: url.href,
      advice: 'the file was removed; see whether a proxy or mirror changes what it passes on, then run again',
    })
  }
  throw new TypeError('a download that is made anew either matches or does not')
}

/** Unpacks an archive and moves what belongs to the artifact to its place in `directory`. */
export async function unpackArchive(
  file: string,
  { place, fileName }: PublishedArchive,
  directory: string,
  { scratch, signal, progress }: SourceWork,
): Promise<void> {
  progress(`unpacking ${fileName}`)
  await runClient('tar', ['-xzf', file, '-C', scratch], {
    cwd: scratch,
    signal,
    advice: tarAdvice,
  })
  let placed = 0
  for (const path of await filesBelow(scratch)) {
    const target = place(path.split('/').slice(1).join('/'))
    if (target === undefined) continue
    await mkdir(dirname(join(directory, target)), { recursive: true })
    await rename(join(scratch, path), join(directory, target))
    placed++
  }
  if (placed === 0) throw new SourceUnavailable(`${fileName} has none of the files that are expected in it`)
}
