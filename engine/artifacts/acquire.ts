import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { SluiceError } from '../errors.ts'
import { type Artifact, type ArtifactSource, SourceUnavailable, type TransferredBytes } from './artifact.ts'
import { findPacked, type PackedFile, packedName, storePacked, workDirectory } from './cache.ts'
import { verifyContents } from './checksum.ts'
import { mirroredSources } from './mirror.ts'

export interface AcquireOptions {
  cacheDirectory: string
  /** A base URL or a directory that is asked before the sources themselves. */
  mirror?: string | undefined
  progress?: (event: ArtifactProgress) => void
  signal?: AbortSignal
}

/** What an acquisition says while it works. */
export interface ArtifactProgress {
  /** The artifact's name. */
  artifact: string
  message: string
  /** Of a download that is under way. */
  bytes?: TransferredBytes
}

/** An artifact on the controller, ready to be sent. */
export interface AcquiredArtifact {
  /** A .tar.gz file in the cache, with the content at its top level. */
  path: string
  /** The digest of the source that it came from. */
  digest: string
  version: string
  /** The label of the source that it came from. */
  source: string
  sizeBytes: number
  /** Of the .tar.gz file. */
  sha256: string
  fromCache: boolean
}

// Hosts are worked on at the same time and may want the same artifact.
const underWay = new Map<string, Promise<AcquiredArtifact>>()

/**
 * Gets an artifact: from the cache, else from the mirror, else from the first of its sources that can give it.
 *
 * @throws SluiceError ARTIFACT_UNAVAILABLE with every source's reason, or ARTIFACT_CHECKSUM
 */
export function acquireArtifact(artifact: Artifact, options: AcquireOptions): Promise<AcquiredArtifact> {
  const digests = artifact.sources.map(({ digest }) => digest).join()
  const key = [options.cacheDirectory, options.mirror, artifact.name, digests].join('\0')
  const running = underWay.get(key)
  if (running !== undefined) return running
  const acquisition = acquire(artifact, options).finally(() => underWay.delete(key))
  underWay.set(key, acquisition)
  return acquisition
}

async function acquire(artifact: Artifact, options: AcquireOptions): Promise<AcquiredArtifact> {
  const say = (message: string, bytes?: TransferredBytes) =>
    options.progress?.({ artifact: artifact.name, message, ...(bytes && { bytes }) })
  try {
    options.signal?.throwIfAborted()
    return (await cachedArtifact(artifact, options)) ?? (await fromSources(artifact, options, say))
  } catch (error) {
    if (options.signal?.aborted) {
      throw new SluiceError('INTERRUPTED', {
        subject: `getting ${artifact.name} was stopped`,
        advice: 'run again: what was downloaded is kept, and goes on from there',
        cause: error,
      })
    }
    const code = (error as NodeJS.ErrnoException).code
    if (error instanceof SluiceError || code === undefined || !/^E[A-Z]+$/.test(code)) throw error
    throw new SluiceError('ARTIFACT_UNAVAILABLE', {
      subject: `${artifact.name} ${artifact.version} could not be put into the cache: ${code}`,
      at: options.cacheDirectory,
      why: (error as Error).message,
      advice: 'make room there, or name another directory in SLUICE_CACHE',
      cause: error,
    })
  }
}

/** The artifact as the cache has it, from whichever of its sources; `undefined` when it is not there. */
async function cachedArtifact(
  artifact: Artifact,
  { cacheDirectory, progress }: Pick<AcquireOptions, 'cacheDirectory' | 'progress'>,
): Promise<AcquiredArtifact | undefined> {
  for (const source of artifact.sources) {
    const packed = await findPacked(cacheDirectory, packedName(artifact, source), (message) =>
      progress?.({ artifact: artifact.name, message }),
    )
    if (packed !== undefined) return acquired(source, packed, { fromCache: true })
  }
  return undefined
}

async function fromSources(
  artifact: Artifact,
  options: AcquireOptions,
  say: (message: string, bytes?: TransferredBytes) => void,
): Promise<AcquiredArtifact> {
  const { cacheDirectory, mirror, signal } = options
  await mkdir(cacheDirectory, { recursive: true, mode: 0o700 })
  const refusals: { label: string; refusal: SourceUnavailable }[] = []
  const sources = mirror === undefined ? [] : mirroredSources(artifact, mirror)
  for (const source of [...sources, ...artifact.sources]) {
    const work = await workDirectory(cacheDirectory)
    try {
      const packed = await fromSource(artifact, source, { work, options, say })
      if (source.version !== artifact.version) {
        say(`this is ${source.version}, not ${artifact.version}: no source of that could be used`)
      }
      return acquired(source, packed, { fromCache: false })
    } catch (error) {
      signal?.throwIfAborted()
      if (!(error instanceof SourceUnavailable)) throw error
      refusals.push({ label: source.label, refusal: error })
      say(`${source.label} is left out: ${error.message}`)
    } finally {
      // A client that was stopped may still write its last file there.
      await rm(work, { recursive: true, force: true, maxRetries: 5 })
    }
  }
  throw unavailable(artifact, refusals)
}

async function fromSource(
  artifact: Artifact,
  source: ArtifactSource,
  {
    work,
    options: { cacheDirectory, signal },
    say,
  }: { work: string; options: AcquireOptions; say(message: string, bytes?: TransferredBytes): void },
): Promise<PackedFile> {
  const directory = join(work, 'content')
  const scratch = join(work, 'scratch')
  await mkdir(directory)
  await mkdir(scratch)
  await source.obtain(directory, {
    scratch,
    partialDirectory: join(cacheDirectory, 'partial'),
    signal,
    progress: say,
  })
  if (source.contents !== undefined) await verifyContents(directory, source.contents, source.label)
  say(`packing ${artifact.name} ${source.version}`)
  return storePacked(join(cacheDirectory, packedName(artifact, source)), { directory, work, signal })
}

function acquired(
  { digest, version, label }: ArtifactSource,
  packed: PackedFile,
  { fromCache }: { fromCache: boolean },
): AcquiredArtifact {
  return { ...packed, digest, version, source: label, fromCache }
}

function unavailable(
  { name, version, sources }: Artifact,
  refusals: readonly { label: string; refusal: SourceUnavailable }[],
): SluiceError {
  const fileName = sources.find(({ archive }) => archive !== undefined)?.archive?.fileName
  const advice = [
    ...new Set(refusals.flatMap(({ refusal }) => refusal.advice ?? [])),
    ...(fileName === undefined
      ? []
      : [`put ${fileName} into a directory and name that with --artifact-mirror`]),
  ]
  return new SluiceError('ARTIFACT_UNAVAILABLE', {
    subject: `no source could give ${name} ${version}`,
    why: refusals.map(({ label, refusal }) => `${label}: ${refusal.message}`).join('\n'),
    advice: advice.length === 0 ? 'see why above' : advice.join(', or '),
  })
}
