import { execFileSync } from 'node:child_process'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { acquireArtifact } from '../../../../engine/artifacts/acquire.ts'
import { SourceUnavailable } from '../../../../engine/artifacts/artifact.ts'
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

const listed = (path: string) => execFileSync('tar', ['tzf', path], { encoding: 'utf8' }).trim().split('\n')

const built = (digest: string, version = '1.0') =>
  localBuild({ digest, version, build: (directory) => writeFile(join(directory, 'built'), digest) })

test('a published archive ends in the cache as its own content, and the second time comes from there', async (t) => {
  const cacheDirectory = await temporaryDirectory(t)
  const bytes = await publishedBytes(t, { 'bin/thing': 'program', 'docs/long': 'not wanted' })
  const server = await archiveServer(t, serving(bytes))
  const artifact = artifactOf(sourceAt(server.url, bytes))

  const first = await acquireArtifact(artifact, { cacheDirectory })
  const second = await acquireArtifact(artifact, { cacheDirectory })

  t.deepEqual(listed(first.path), ['bin/', 'bin/thing'])
  t.is(first.path, join(cacheDirectory, `thing-1.0-all-${digestOf(bytes).slice(0, 12)}.tar.gz`))
  t.is(first.digest, digestOf(bytes))
  t.false(first.fromCache)
  t.deepEqual(second, { ...first, fromCache: true })
  t.is(server.asked.length, 1)
  t.deepEqual(await readdir(join(cacheDirectory, 'partial')), [])
  t.deepEqual(await readdir(join(cacheDirectory, 'work')), [])
})

test('a source that cannot be used is passed over with its reason, and another version is said plainly', async (t) => {
  const cacheDirectory = await temporaryDirectory(t)
  // The discard port of loopback, where nothing listens.
  const refused = sourceAt('http://127.0.0.1:9', Buffer.from('never sent'))
  const messages: string[] = []

  const acquired = await acquireArtifact(artifactOf(refused, built('abc', '0.9')), {
    cacheDirectory,
    progress: ({ message }) => messages.push(message),
  })

  t.is(acquired.source, 'built here')
  t.is(acquired.version, '0.9')
  t.regex(messages[0] ?? '', /^127\.0\.0\.1:9 is left out: it cannot be reached: .*ECONNREFUSED/)
  t.is(messages.at(-1), 'this is 0.9, not 1.0: no source of that could be used')
})

test('an origin that does not answer is asked once in a run, however many artifacts it has', async (t) => {
  const cacheDirectory = await temporaryDirectory(t)
  const silent = await archiveServer(t, (request) => request.destroy())
  const source = sourceAt(silent.url, Buffer.from('never sent'))

  await acquireArtifact(artifactOf(source, built('abc')), { cacheDirectory })
  await acquireArtifact(artifactOf(source, built('def')), { cacheDirectory })

  t.is(silent.asked.length, 1)
})

test('when no source can be used, the error has the reason of each and what to do', async (t) => {
  const cacheDirectory = await temporaryDirectory(t)
  const server = await archiveServer(t, (_, response) => response.writeHead(404).end())
  const lacking = {
    ...built('abc'),
    label: 'Maven',
    obtain: () => Promise.reject(new SourceUnavailable('mvn is not installed', { advice: 'install Maven' })),
  }

  const error = await t.throwsAsync(
    acquireArtifact(artifactOf(sourceAt(server.url, Buffer.from('x')), lacking), { cacheDirectory }),
    { instanceOf: SluiceError },
  )

  t.is(error.code, 'ARTIFACT_UNAVAILABLE')
  t.is(error.subject, 'no source could give thing 1.0')
  t.regex(error.why ?? '', /answered 404 for \/thing-1\.0\.tgz\nMaven: mvn is not installed$/)
  t.is(
    error.advice,
    'install Maven, or put thing-1.0.tgz into a directory and name that with --artifact-mirror',
  )
})

test('a wrong checksum is an error with both sums; no lesser source takes its place and nothing stays', async (t) => {
  const cacheDirectory = await temporaryDirectory(t)
  const bytes = await publishedBytes(t, { 'bin/thing': 'program' })
  const other = await publishedBytes(t, { 'bin/thing': 'something else' })
  const server = await archiveServer(t, serving(other))

  const error = await t.throwsAsync(
    acquireArtifact(artifactOf(sourceAt(server.url, bytes), built('abc')), { cacheDirectory }),
    { instanceOf: SluiceError },
  )

  t.is(error.code, 'ARTIFACT_CHECKSUM')
  t.is(error.subject, 'thing-1.0.tgz is not what its sha256 says')
  t.is(error.why, `expected ${digestOf(bytes)}\ngot      ${digestOf(other)}`)
  t.deepEqual(await readdir(join(cacheDirectory, 'partial')), [])
  t.deepEqual((await readdir(cacheDirectory)).sort(), ['partial', 'work'])
})

test('hosts that want the same artifact at the same time share one acquisition', async (t) => {
  const cacheDirectory = await temporaryDirectory(t)
  const bytes = await publishedBytes(t, { 'bin/thing': 'program' })
  const server = await archiveServer(t, serving(bytes))
  const artifact = () => artifactOf(sourceAt(server.url, bytes))

  const [one, other] = await Promise.all([
    acquireArtifact(artifact(), { cacheDirectory }),
    acquireArtifact(artifact(), { cacheDirectory }),
  ])

  t.deepEqual(one, other)
  t.is(server.asked.length, 1)
})

test('a damaged cache file is got again', async (t) => {
  const cacheDirectory = await temporaryDirectory(t)
  const artifact = artifactOf(built('abc'))
  const { path, sha256 } = await acquireArtifact(artifact, { cacheDirectory })
  await writeFile(path, 'damaged')

  const again = await acquireArtifact(artifact, { cacheDirectory })

  t.false(again.fromCache)
  t.is(again.sha256, sha256)
})

test('a cache that cannot be written is an error that names it', async (t) => {
  const directory = await temporaryDirectory(t)
  await writeFile(join(directory, 'file'), '')

  const error = await t.throwsAsync(
    acquireArtifact(artifactOf(built('abc')), { cacheDirectory: join(directory, 'file', 'artifacts') }),
    { instanceOf: SluiceError },
  )

  t.is(error.code, 'ARTIFACT_UNAVAILABLE')
  t.is(error.at, join(directory, 'file', 'artifacts'))
})
