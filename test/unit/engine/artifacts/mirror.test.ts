import { copyFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import test from 'ava'
import { acquireArtifact } from '../../../../engine/artifacts/acquire.ts'
import type { ArtifactSource } from '../../../../engine/artifacts/artifact.ts'
import { localBuild } from '../../../../engine/artifacts/local-build.ts'
import { SluiceError } from '../../../../engine/errors.ts'
import {
  archiveServer,
  artifactOf,
  digestOf,
  publishedBytes,
  serving,
  sourceAt,
  temporaryDirectory,
} from './archive-server.ts'

// The discard port of loopback, where nothing listens.
const nowhere = 'http://127.0.0.1:9'

/** A source whose content is pinned file by file. */
function pinnedBuild(content: string): ArtifactSource {
  return {
    ...localBuild({
      digest: digestOf(content),
      version: '1.0',
      build: (directory) => writeFile(join(directory, 'thing'), content),
    }),
    contents: { manifest: new Map([['thing', digestOf(content)]]), advice: 'build it again' },
  }
}

test('a mirror directory serves an archive under the name that its makers gave it', async (t) => {
  const bytes = await publishedBytes(t, { 'bin/thing': 'program' })
  const mirror = await temporaryDirectory(t)
  await writeFile(join(mirror, 'thing-1.0.tgz'), bytes)

  const acquired = await acquireArtifact(artifactOf(sourceAt(nowhere, bytes)), {
    cacheDirectory: await temporaryDirectory(t),
    mirror,
  })

  t.is(acquired.source, `mirror ${mirror}`)
  t.is(acquired.digest, digestOf(bytes))
})

test('a mirror URL is asked before the source itself, its path being kept', async (t) => {
  const bytes = await publishedBytes(t, { 'bin/thing': 'program' })
  const server = await archiveServer(t, serving(bytes))

  const acquired = await acquireArtifact(artifactOf(sourceAt(nowhere, bytes)), {
    cacheDirectory: await temporaryDirectory(t),
    mirror: `${server.url}/deep/mirror`,
  })

  t.is(acquired.source, `mirror ${server.url}/deep/mirror`)
  t.deepEqual(server.asked, ['/deep/mirror/thing-1.0.tgz whole'])
})

test('a mirror that lacks an archive is passed over', async (t) => {
  const bytes = await publishedBytes(t, { 'bin/thing': 'program' })
  const server = await archiveServer(t, serving(bytes))

  const acquired = await acquireArtifact(artifactOf(sourceAt(server.url, bytes)), {
    cacheDirectory: await temporaryDirectory(t),
    mirror: await temporaryDirectory(t),
  })

  t.is(acquired.source, new URL(server.url).host)
})

test('a mirror with another content under that name is an error, and not passed over', async (t) => {
  const bytes = await publishedBytes(t, { 'bin/thing': 'program' })
  const server = await archiveServer(t, serving(bytes))
  const mirror = await temporaryDirectory(t)
  await writeFile(join(mirror, 'thing-1.0.tgz'), 'another')

  const error = await t.throwsAsync(
    acquireArtifact(artifactOf(sourceAt(server.url, bytes)), {
      cacheDirectory: await temporaryDirectory(t),
      mirror,
    }),
    { instanceOf: SluiceError },
  )

  t.is(error.code, 'ARTIFACT_CHECKSUM')
  t.is(error.at, join(mirror, 'thing-1.0.tgz'))
  t.deepEqual(server.asked, [])
})

test("another machine's cache serves as a mirror for what is pinned file by file", async (t) => {
  const [first, mirror, second] = await Promise.all([1, 2, 3].map(() => temporaryDirectory(t)))
  const packed = await acquireArtifact(artifactOf(pinnedBuild('right')), { cacheDirectory: first ?? '' })
  await copyFile(packed.path, join(mirror ?? '', basename(packed.path)))

  const acquired = await acquireArtifact(artifactOf(pinnedBuild('right')), {
    cacheDirectory: second ?? '',
    mirror,
  })

  t.is(acquired.source, `mirror ${mirror}`)
  t.is(acquired.sha256, packed.sha256)
})

test('a packed file on a mirror is held to the pinned content, whatever lies beside it', async (t) => {
  const [first, mirror, second] = await Promise.all([1, 2, 3].map(() => temporaryDirectory(t)))
  const wrong = await acquireArtifact(artifactOf(pinnedBuild('wrong')), { cacheDirectory: first ?? '' })
  const name = `thing-1.0-all-${digestOf('right').slice(0, 12)}.tar.gz`
  await copyFile(wrong.path, join(mirror ?? '', name))
  await writeFile(join(mirror ?? '', `${name}.sha256`), `${wrong.sha256}  ${name}\n`)

  const error = await t.throwsAsync(
    acquireArtifact(artifactOf(pinnedBuild('right')), { cacheDirectory: second ?? '', mirror }),
    { instanceOf: SluiceError },
  )

  t.is(error.code, 'ARTIFACT_CHECKSUM')
  t.is(error.why, `expected ${digestOf('right')}\ngot      ${digestOf('wrong')}`)
})
