import { randomBytes } from 'node:crypto'
import { basename, dirname } from 'node:path'
import * as v from 'valibot'
import { type AcquiredArtifact, acquireArtifact } from '../artifacts/acquire.ts'
import type { Artifact, TransferredBytes } from '../artifacts/artifact.ts'
import { type ControllerAccess, compare, defineResource, run, type Step } from '../resource.ts'
import { AbsolutePath, FileMode, Name } from '../schemas.ts'
import { described, type Script, sh } from '../shell.ts'
import { keepFormer, restoreFormer, tellOurs } from './former.ts'

const ArtifactValue = v.custom<Artifact>(
  (value) => typeof value === 'object' && value !== null && 'sources' in value,
)

const StallSeconds = v.pipe(
  v.optional(v.pipe(v.number(), v.minValue(1)), 60),
  v.description('how long sending it may stand still'),
)

const ReleaseSpec = v.strictObject({
  name: v.pipe(Name, v.description('of the program; its releases are below <root>/<name>')),
  artifact: v.pipe(ArtifactValue, v.description('what it is made of')),
  root: v.pipe(v.optional(AbsolutePath, '/opt/sluice'), v.description('where programs are')),
  keep: v.pipe(
    v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), 3),
    v.description('releases that stay, the current one included'),
  ),
  stallSeconds: StallSeconds,
})

/** The directory name of a release: its version, and the beginning of its content's digest. */
const releaseId = ({ version, digest }: { version: string; digest: string }) =>
  `${version}-${digest.slice(0, 12)}`

/**
 * A program in a directory named for its content, with `current` a link to the one in use. Whichever of the
 * artifact's sources it came from, it is as declared: nothing is fetched to find that out.
 */
export const release = defineResource<typeof ReleaseSpec, { current: string }, AcquiredArtifact>({
  kind: 'release',
  spec: ReleaseSpec,
  id: ({ name, artifact }) => `${name} ${artifact.version}`,
  reads: ({ root, name }) => [`path:${root}/${name}`],
  touches: ({ root, name }) => [`path:${root}/${name}/current`, `content:${root}/${name}/current`],

  probe: ({ root, name }) => ({
    // A link that leads nowhere is no release.
    script: sh`if [ -L ${`${root}/${name}/current`} ] && [ -d ${`${root}/${name}/current`} ]; then readlink -- ${`${root}/${name}/current`}; fi`,
    parse: ([target]) => (target === undefined ? undefined : { current: basename(target) }),
  }),

  diff({ artifact }, have) {
    const accepted = artifact.sources.map(releaseId)
    if (have !== undefined && accepted.includes(have.current)) return []
    return [{ property: 'current', have: have?.current, want: accepted[0] }]
  },

  prepare: ({ artifact }, access) => acquire(artifact, access),

  settle({ artifact }, have, acquired) {
    const instead =
      acquired.version === artifact.version ? '' : `, not ${artifact.version}, which could not be had`
    return [
      {
        property: 'current',
        have: have?.current,
        want: `${releaseId(acquired)} from ${acquired.source}${instead}`,
      },
    ]
  },

  // What a killed run had half unpacked counts as no release, and the one in use stays whatever the clock said before.
  apply({ root, name, keep, stallSeconds }, _, acquired) {
    const id = releaseId(acquired)
    const home = `${root}/${name}`
    const unpacked = `${home}/releases/${id}`
    const { upload, remotePath } = uploadStep(acquired, stallSeconds)
    return [
      upload,
      run(
        described(
          `unpack ${name} ${id}`,
          sh`
        ${forgetCutOff(remotePath)}
        mkdir -p -- ${`${home}/releases`}
        find ${`${home}/releases`} -mindepth 1 -maxdepth 1 -name '*.partial' -exec rm -rf -- '{}' +
        mkdir -- ${`${unpacked}.partial`}
        tar --extract --gzip --file ${remotePath} --directory ${`${unpacked}.partial`} --no-same-owner --no-same-permissions || { code=$?; rm -rf -- ${remotePath} ${`${unpacked}.partial`}; exit "$code"; }
        rm -f -- ${remotePath}
        chmod -R go-w,a+rX -- ${`${unpacked}.partial`}
        rm -rf -- ${unpacked}
        mv --no-target-directory -- ${`${unpacked}.partial`} ${unpacked}
        ln --symbolic --force --no-dereference -- ${`releases/${id}`} ${`${home}/current.staged`}
        mv --no-target-directory -- ${`${home}/current.staged`} ${`${home}/current`}
        touch -- ${unpacked}
        ls -1t -- ${`${home}/releases`} | grep --line-regexp --fixed-strings --invert-match -- ${id} | tail -n ${`+${keep}`} | while read -r old; do rm -rf -- ${`${home}/releases/`}"$old"; done
      `,
        ),
      ),
    ]
  },

  remove: ({ root, name }) => [run(sh`rm -rf --one-file-system -- ${`${root}/${name}`}`)],
})

const ArtifactSpec = v.strictObject({
  path: v.pipe(AbsolutePath, v.description('where the archive is put')),
  artifact: v.pipe(ArtifactValue, v.description('what it is')),
  mode: v.pipe(v.optional(FileMode, '0644'), v.description('permission bits')),
  stallSeconds: StallSeconds,
})

/** An artifact's archive as a file on the host, sent only when its checksum is not that of one of its sources. */
export const artifactFile = defineResource<
  typeof ArtifactSpec,
  { digest: string; intact: string; ours: boolean },
  AcquiredArtifact
>({
  kind: 'artifact',
  spec: ArtifactSpec,
  id: ({ path }) => path,
  reads: ({ path }) => [`path:${path}`],
  touches: ({ path }) => [`path:${path}`, `content:${path}`],

  // Beside the archive stands what it is: the digest of its source, and the checksum that it then had.
  probe: ({ path }) => ({
    script: sh`if [ -f ${path} ] && [ -f ${`${path}.digest`} ]; then cat ${`${path}.digest`}; sha256sum < ${path}; ${tellOurs(path)}; fi`,
    parse([record, now, mark]) {
      const [digest, sum] = record?.split(' ') ?? []
      if (digest === undefined || now === undefined) return undefined
      return { digest, intact: now.startsWith(`${sum} `) ? 'yes' : 'no', ours: mark === 'ours' }
    },
  }),

  diff({ artifact }, have) {
    const known = artifact.sources.find(({ digest }) => digest === have?.digest)
    return compare(
      { digest: (known ?? artifact.sources[0])?.digest, intact: 'yes' },
      have && { digest: have.digest, intact: have.intact },
    )
  },

  prepare: ({ artifact }, access) => acquire(artifact, access),

  apply({ path, mode, stallSeconds }, _, acquired) {
    const { upload, remotePath } = uploadStep(acquired, stallSeconds)
    return [
      upload,
      run(sh`
        ${forgetCutOff(remotePath)}
        mkdir -p -- ${dirname(path)}
        ${keepFormer(path)}
        cp -- ${remotePath} ${`${path}.sluice-staged`}
        rm -f -- ${remotePath}
        chown root:root -- ${`${path}.sluice-staged`}
        chmod -- ${mode} ${`${path}.sluice-staged`}
        echo ${`${acquired.digest} ${acquired.sha256}`} > ${`${path}.digest`}
        mv --no-target-directory -- ${`${path}.sluice-staged`} ${path}
      `),
    ]
  },

  remove: ({ path }, { ours }) =>
    ours ? [run(sh`${restoreFormer(path)}; rm -f -- ${`${path}.digest`}`)] : [],
})

function acquire(
  artifact: Artifact,
  { artifacts, signal, progress }: ControllerAccess,
): Promise<AcquiredArtifact> {
  return acquireArtifact(artifact, {
    ...artifacts,
    progress: ({ message, bytes }) =>
      progress(bytes === undefined ? message : `${message}, ${amount(bytes)}`),
    ...(signal && { signal }),
  })
}

function amount({ receivedBytes, totalBytes }: TransferredBytes): string {
  const megabytes = (bytes: number) => Math.ceil(bytes / 1_000_000)
  return totalBytes === undefined
    ? `${megabytes(receivedBytes)} MB`
    : `${megabytes(receivedBytes)} of ${megabytes(totalBytes)} MB`
}

/** The login user may write to /var/tmp; root takes the file from there. */
function uploadStep(
  { path, sizeBytes }: AcquiredArtifact,
  stallSeconds: number,
): { upload: Step; remotePath: string } {
  const remotePath = `/var/tmp/sluice-${randomBytes(8).toString('hex')}`
  const summary = `sending ${basename(path)}`
  return {
    upload: { kind: 'upload', localPath: path, remotePath, sizeBytes, summary, stallSeconds },
    remotePath,
  }
}

/** What runs left behind that were cut off while they sent: one run at a time is at a host, and sends one file at a time. */
function forgetCutOff(remotePath: string): Script {
  return sh`find /var/tmp -maxdepth 1 -name 'sluice-????????????????' -type f ! -path ${remotePath} -delete`
}
