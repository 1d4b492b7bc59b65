import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Manifest, parseManifest } from '../../engine/artifacts/manifest.ts'

/** Where a lock file lies. */
export function lockPath(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url))
}

/** The jars that a lock file beside this one pins. */
export function readLock(name: string): Manifest {
  return parseManifest(readFileSync(lockPath(name), 'utf8'), lockPath(name))
}
