import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { acquireArtifact } from '../../../../engine/artifacts/acquire.ts'
import { SluiceError } from '../../../../engine/errors.ts'
import {
  archiveServer,
  artifactOf,
  publishedBytes,
  serving,
  sourceAt,
  temporaryDirectory,
} from './archive-server.ts'

// Random, so that it does not shrink.
const program = Buffer.from(Array.from({ length: 200_000 }, () => Math.floor(Math.random() * 256)))

/** A cache in which this process has left the beginning of a download. */
async function cacheWithPart(t: ExecutionContext, part: Buffer): Promise<string> {
  const cacheDirectory = await temporaryDirectory(t)
  await mkdir(join(cacheDirectory, 'partial'))
  await writeFile(partOf(cacheDirectory), part)
  return cacheDirectory
}

const partOf = (cacheDirectory: string) =>
  join(cacheDirectory, 'partial', `thing-1.0.tgz.${process.pid}.part`)

/** Waits until the part that is downloaded has as many bytes. */
async function arrived(cacheDirectory: string, bytes: number): Promise<void> {
  while ((await readFile(partOf(cacheDirectory)).catch(() => '')).length < bytes) await pause(10)
}

/** Sends the first 5000 bytes, and closes the connection once they have arrived. */
async function breakOff(response: ServerResponse, bytes: Buffer, cacheDirectory: string): Promise<void> {
  response.writeHead(200, { 'content-length': bytes.length })
  response.write(bytes.subarray(0, 5000))
  await arrived(cacheDirectory, 5000)
  response.destroy()
}

test('an interrupted download goes on from where it ended', async (t) => {
  const bytes = await publishedBytes(t, { 'bin/thing': program })
  const server = await archiveServer(t, serving(bytes))
  const cacheDirectory = await cacheWithPart(t, bytes.subarray(0, 1000))

  await acquireArtifact(artifactOf(sourceAt(server.url, bytes)), { cacheDirectory })

  t.deepEqual(server.asked, ['/thing-1.0.tgz bytes=1000-'])
})

test('a download that was complete is not asked for again in full', async (t) => {
  const bytes = await publishedBytes(t, { 'bin/thing': program })
  const server = await archiveServer(t, serving(bytes))
  const cacheDirectory = await cacheWithPart(t, bytes)

  await acquireArtifact(artifactOf(sourceAt(server.url, bytes)), { cacheDirectory })

  t.deepEqual(server.asked, [`/thing-1.0.tgz bytes=${bytes.length}-`])
})

test('a server that knows no ranges sends all of it, which replaces what was there', async (t) => {
  const bytes = await publishedBytes(t, { 'bin/thing': program })
  const server = await archiveServer(t, (_, response) => response.writeHead(200).end(bytes))
  const cacheDirectory = await cacheWithPart(t, Buffer.from('something else'))

  const acquired = await acquireArtifact(artifactOf(sourceAt(server.url, bytes)), { cacheDirectory })

  t.false(acquired.fromCache)
  t.is(server.asked.length, 1)
})

test('a beginning that is of another file is thrown away and the download made anew', async (t) => {
  const bytes = await publishedBytes(t, { 'bin/thing': program })
  const server = await archiveServer(t, serving(bytes))
  const cacheDirectory = await cacheWithPart(t, Buffer.alloc(1000, 'x'))

  await acquireArtifact(artifactOf(sourceAt(server.url, bytes)), { cacheDirectory })

  t.deepEqual(server.asked, ['/thing-1.0.tgz bytes=1000-', '/thing-1.0.tgz whole'])
})

test('a transfer that breaks off is continued', async (t) => {
  const bytes = await publishedBytes(t, { 'bin/thing': program })
  const answers = serving(bytes)
  const cacheDirectory = await temporaryDirectory(t)
  const server = await archiveServer(t, (request, response) => {
    if (request.headers.range !== undefined) answers(request, response)
    else void breakOff(response, bytes, cacheDirectory)
  })

  await acquireArtifact(artifactOf(sourceAt(server.url, bytes)), { cacheDirectory })

  t.deepEqual(server.asked, ['/thing-1.0.tgz whole', '/thing-1.0.tgz bytes=5000-'])
})

test('a server that breaks off without ever sending more is given up, and says how far it came', async (t) => {
  const bytes = await publishedBytes(t, { 'bin/thing': program })
  const cacheDirectory = await temporaryDirectory(t)
  const server = await archiveServer(t, (request, response) => {
    if (request.headers.range === undefined) {
      void breakOff(response, bytes, cacheDirectory)
      return
    }
    const range = `bytes 5000-${bytes.length - 1}/${bytes.length}`
    response.writeHead(206, { 'content-length': bytes.length - 5000, 'content-range': range })
    response.flushHeaders()
    setTimeout(() => response.destroy(), 100)
  })

  const error = await t.throwsAsync(
    acquireArtifact(artifactOf(sourceAt(server.url, bytes)), { cacheDirectory }),
    { instanceOf: SluiceError },
  )

  t.is(error.code, 'ARTIFACT_UNAVAILABLE')
  t.regex(error.why ?? '', /the transfer ended after 5000 bytes/)
  t.deepEqual(server.asked, ['/thing-1.0.tgz whole', ...Array(3).fill('/thing-1.0.tgz bytes=5000-')])
})

test('a redirect is followed', async (t) => {
  const bytes = await publishedBytes(t, { 'bin/thing': program })
  const answers = serving(bytes)
  const server = await archiveServer(t, (request, response) => {
    if (request.url === '/elsewhere') answers(request, response)
    else response.writeHead(302, { location: '/elsewhere' }).end()
  })
  const cacheDirectory = await temporaryDirectory(t)

  const acquired = await acquireArtifact(artifactOf(sourceAt(server.url, bytes)), { cacheDirectory })

  t.false(acquired.fromCache)
})

test('progress has the bytes that came and how many there are', async (t) => {
  const bytes = await publishedBytes(t, { 'bin/thing': program })
  const server = await archiveServer(t, serving(bytes))
  const cacheDirectory = await temporaryDirectory(t)
  const seen: unknown[] = []

  await acquireArtifact(artifactOf(sourceAt(server.url, bytes)), {
    cacheDirectory,
    progress: ({ bytes: transferred }) => transferred && seen.push(transferred),
  })

  t.deepEqual(seen.at(-1), { receivedBytes: bytes.length, totalBytes: bytes.length })
})

test('a stop in the middle of a slow download ends at once, and the next run goes on from there', async (t) => {
  const bytes = await publishedBytes(t, { 'bin/thing': program })
  const answers = serving(bytes)
  const stop = new AbortController()
  let slow = true
  const server = await archiveServer(t, (request, response) => {
    if (!slow) return answers(request, response)
    response.writeHead(200, { 'content-length': bytes.length })
    response.write(bytes.subarray(0, 7000))
  })
  const cacheDirectory = await temporaryDirectory(t)
  const artifact = artifactOf(sourceAt(server.url, bytes))
  const begun = acquireArtifact(artifact, { cacheDirectory, signal: stop.signal })
  const stopped = t.throwsAsync(begun, { instanceOf: SluiceError })
  await arrived(cacheDirectory, 7000)

  stop.abort()
  const error = await stopped
  slow = false
  await acquireArtifact(artifact, { cacheDirectory })

  t.is(error?.code, 'INTERRUPTED')
  t.deepEqual(server.asked, ['/thing-1.0.tgz whole', '/thing-1.0.tgz bytes=7000-'])
  t.deepEqual(await readdir(join(cacheDirectory, 'work')), [])
})
