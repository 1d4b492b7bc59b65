import type { Manifest } from './manifest.ts'
import type { UnmetPrerequisite } from './prerequisites.ts'

/** Something that hosts run and that the controller gets for them: Kafka, a Node runtime, a program of our own. */
export interface Artifact {
  /** `kafka` */
  name: string
  /** The version that is wanted. A source may have another one. */
  version: string
  /** In order of preference. */
  sources: readonly ArtifactSource[]
}

export type ArtifactArchitecture = 'amd64' | 'arm64' | 'all'

/** One way to get an artifact. What it gives is pinned: other bytes are an error, never a surprise. */
export interface ArtifactSource {
  /** As people are told: `archive.apache.org`, `Maven`, `npm`. */
  label: string
  version: string
  architecture: ArtifactArchitecture
  /** Identity of the content, in hex. Two sources with the same digest give the same programs. */
  digest: string
  /** Every file but licence texts, where it is known before anything is fetched. */
  contents?: PinnedContents
  /** The archive that its makers publish, which a mirror may hold under the same file name. */
  archive?: PublishedArchive
  /** What keeps it from being used here, as far as that can be told without fetching anything. */
  unmetPrerequisite?(): Promise<UnmetPrerequisite | undefined>
  /**
   * Puts the content into `directory`, which is empty: `bin/` holds programs, all else is not executable.
   *
   * @throws SourceUnavailable when the next source should be tried
   * @throws SluiceError ARTIFACT_CHECKSUM when something came that is not what is pinned
   */
  obtain(directory: string, work: SourceWork): Promise<void>
}

/** What an artifact must consist of, whichever way it came. */
export interface PinnedContents {
  manifest: Manifest
  /** What to do when something else came. */
  advice: string
}

export interface Checksum {
  algorithm: 'sha256' | 'sha512'
  hex: string
}

export interface PublishedArchive {
  /** A .tar.gz file. */
  fileName: string
  checksum: Checksum
  /**
   * Where a file of the archive belongs in the artifact; `undefined` leaves it out.
   *
   * @param path in the archive, without its first directory
   */
  place(path: string): string | undefined
}

/** What a source may use while it works. */
export interface SourceWork {
  /** An empty directory of its own, removed afterwards. */
  scratch: string
  /** Where interrupted downloads wait to be continued. */
  partialDirectory: string
  signal: AbortSignal | undefined
  progress(message: string, bytes?: TransferredBytes): void
}

export interface TransferredBytes {
  receivedBytes: number
  /** Where the sender said it. */
  totalBytes: number | undefined
}

/** A source that cannot be used here and now, so that the next one is tried. */
export class SourceUnavailable extends Error {
  override readonly name = 'SourceUnavailable'
  /** What would make it usable. */
  readonly advice: string | undefined

  constructor(reason: string, { advice, cause }: { advice?: string; cause?: unknown } = {}) {
    super(reason, { cause })
    this.advice = advice
  }
}
