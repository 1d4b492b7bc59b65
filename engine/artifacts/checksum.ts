import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { SluiceError } from '../errors.ts'
import type { Checksum, PinnedContents } from './artifact.ts'

/** The digest of a file's content, in hex. */
export async function fileDigest(path: string, algorithm: Checksum['algorithm'] = 'sha256'): Promise<string> {
  const hash = createHash(algorithm)
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(chunk)
  return hash.digest('hex')
}

/** The regular files below a directory, as sorted relative paths. */
export async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .sort()
}

const isLicence = (path: string) => /^(LICENSE|NOTICE)[^/]*$/.test(path)

/**
 * Makes sure that a directory holds exactly the pinned files; licence texts may lie beside them.
 *
 * @throws SluiceError ARTIFACT_CHECKSUM
 */
export async function verifyContents(
  directory: string,
  { manifest, advice }: PinnedContents,
  source: string,
): Promise<void> {
  const found = await filesBelow(directory)
  const missing = [...manifest.keys()].filter((path) => !found.includes(path))
  const unknown = found.filter((path) => !manifest.has(path) && !isLicence(path))
  if (missing.length + unknown.length > 0) {
    throw new SluiceError('ARTIFACT_CHECKSUM', {
      subject: 'the files should be exactly those that are pinned',
      at: source,
      why: [
        ...missing.map((path) => `${path} is missing`),
        ...unknown.map((path) => `${path} is not pinned`),
      ].join('\n'),
      advice,
    })
  }
  for (const [path, expected] of manifest) {
    const actual = await fileDigest(join(directory, path))
    if (actual !== expected) throw wrongChecksum({ file: path, expected, actual, source, advice })
  }
}

/** The error for content that is not what its checksum says. */
export function wrongChecksum({
  file,
  algorithm = 'sha256',
  expected,
  actual,
  source,
  advice,
}: {
  file: string
  algorithm?: Checksum['algorithm']
  expected: string
  actual: string
  source: string
  advice: string
}): SluiceError {
  return new SluiceError('ARTIFACT_CHECKSUM', {
    subject: `${file} is not what its ${algorithm} says`,
    at: source,
    why: `expected ${expected}\ngot      ${actual}`,
    advice,
  })
}
