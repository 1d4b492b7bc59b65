import { createHash } from 'node:crypto'

/** SHA-256 by path: which files an artifact has, and what is in them. */
export type Manifest = ReadonlyMap<string, string>

/**
 * Reads `sha256  path` lines, as sha256sum writes them; lines that begin with `#` are comments.
 *
 * @param place the file, for the error
 */
export function parseManifest(text: string, place: string): Manifest {
  const manifest = new Map<string, string>()
  for (const [index, line] of text.split('\n').entries()) {
    if (line === '' || line.startsWith('#')) continue
    const [, digest, path] = /^([0-9a-f]{64}) {2}([^\s/][^\s]*)$/.exec(line) ?? []
    if (digest === undefined || path === undefined) {
      throw new TypeError(`${place}:${index + 1} should be "<sha256>  <path>", is "${line}"`)
    }
    manifest.set(path, digest)
  }
  return manifest
}

/** The lines of a manifest, sorted by path. */
export function formatManifest(manifest: Manifest): string {
  return [...manifest]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([path, digest]) => `${digest}  ${path}\n`)
    .join('')
}

/** One digest for all that a manifest says. */
export function manifestDigest(manifest: Manifest): string {
  return createHash('sha256').update(formatManifest(manifest)).digest('hex')
}
