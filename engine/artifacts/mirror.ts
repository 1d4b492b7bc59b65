import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type Artifact,
  type ArtifactSource,
  type PinnedContents,
  type PublishedArchive,
  SourceUnavailable,
  type SourceWork,
} from './artifact.ts'
import { packedName, partialFile } from './cache.ts'
import { fileDigest, wrongChecksum } from './checksum.ts'
import { runClient } from './client.ts'
import { download } from './download.ts'
import { fetchArchive, unpackArchive } from './published-archive.ts'

const checkMirror = 'correct or remove the file on the mirror, then run again'

/**
 * The same sources, as a mirror may hold them: the archives under their published names, and, where the content is
 * pinned file by file, what an earlier run packed into its cache.
 *
 * @param mirror a base URL or a directory
 */
export function mirroredSources(artifact: Artifact, mirror: string): ArtifactSource[] {
  return artifact.sources.flatMap((source) => [
    ...(source.archive === undefined ? [] : [mirroredArchive(source, source.archive, mirror)]),
    ...(source.contents === undefined ? [] : [mirroredPacked(artifact, source, source.contents, mirror)]),
  ])
}

function mirroredArchive(source: ArtifactSource, archive: PublishedArchive, mirror: string): ArtifactSource {
  return {
    ...source,
    label: `mirror ${mirror}`,
    async obtain(directory, work) {
      if (isUrl(mirror)) {
        const file = await fetchArchive(inside(mirror, archive.fileName), archive, work)
        await unpackArchive(file, archive, directory, work)
        return
      }
      const file = await copyFrom(mirror, archive.fileName, join(work.scratch, '..', archive.fileName))
      const { algorithm, hex: expected } = archive.checksum
      const actual = await fileDigest(file, algorithm)
      if (actual !== expected) {
        const from = join(mirror, archive.fileName)
        throw wrongChecksum({ file: from, algorithm, expected, actual, source: from, advice: checkMirror })
      }
      await unpackArchive(file, archive, directory, work)
    },
  }
}

function mirroredPacked(
  artifact: Artifact,
  source: ArtifactSource,
  { manifest }: PinnedContents,
  mirror: string,
): ArtifactSource {
  const fileName = packedName(artifact, source)
  return {
    ...source,
    label: `mirror ${mirror}`,
    contents: { manifest, advice: checkMirror },
    async obtain(directory, work) {
      const file = isUrl(mirror)
        ? await downloadPacked(inside(mirror, fileName), fileName, work)
        : await copyFrom(mirror, fileName, join(work.scratch, fileName))
      await runClient('tar', ['-xzf', file, '-C', directory, '--no-same-owner'], {
        cwd: work.scratch,
        signal: work.signal,
        advice: 'install tar and gzip',
      })
    },
  }
}

async function downloadPacked(url: URL, fileName: string, work: SourceWork): Promise<string> {
  const file = await partialFile(work.scratch, fileName)
  await download(url, {
    file,
    signal: work.signal,
    onProgress: (bytes) => work.progress(`downloading ${fileName} from ${url.host}`, bytes),
    onContinue: () => {},
  })
  return file
}

async function copyFrom(directory: string, fileName: string, target: string): Promise<string> {
  try {
    await copyFile(join(directory, fileName), target)
    return target
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new SourceUnavailable(`${join(directory, fileName)} is not there`, { cause: error })
  }
}

function isUrl(mirror: string): boolean {
  return /^https?:\/\//.test(mirror)
}

function inside(mirror: string, fileName: string): URL {
  return new URL(encodeURIComponent(fileName), mirror.endsWith('/') ? mirror : `${mirror}/`)
}
