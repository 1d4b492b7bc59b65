import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { ExecutionContext } from 'ava'
import type { Artifact, ArtifactSource } from '../../../../engine/artifacts/artifact.ts'
import { publishedArchive } from '../../../../engine/artifacts/published-archive.ts'
import { packTarball } from '../../../../engine/artifacts/tarball.ts'

export type Answer = (request: IncomingMessage, response: ServerResponse) => void

/** A directory that is removed after the test. */
export async function temporaryDirectory(t: ExecutionContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-artifacts-'))
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  return directory
}

/** An HTTP server on loopback; it notes what was asked of it. */
export async function archiveServer(
  t: ExecutionContext,
  answer: Answer,
): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.url} ${request.headers.range ?? 'whole'}`)
    answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // It keeps its port: a later server there would be known as one that does not answer, where this one did not.
  t.teardown(() => server.unref().closeAllConnections())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

/** Answers as a file server does, ranges included. */
export function serving(bytes: Buffer): Answer {
  return (request, response) => {
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
    if (start >= bytes.length) response.writeHead(416).end()
    else if (start === 0) response.writeHead(200, { 'content-length': bytes.length }).end(bytes)
    else {
      const range = `bytes ${start}-${bytes.length - 1}/${bytes.length}`
      response.writeHead(206, { 'content-length': bytes.length - start, 'content-range': range })
      response.end(bytes.subarray(start))
    }
  }
}

/** An archive as its makers publish it: everything below one directory. */
export async function publishedBytes(
  t: ExecutionContext,
  files: Record<string, string | Buffer>,
): Promise<Buffer> {
  const directory = await temporaryDirectory(t)
  for (const [path, content] of Object.entries(files)) {
    const file = join(directory, 'content', 'thing-1.0', path)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, content)
  }
  await packTarball(join(directory, 'content'), join(directory, 'packed'))
  return readFile(join(directory, 'packed'))
}

export const digestOf = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex')

/** A source of the archive at `url`, of which `bin/` is taken. */
export function sourceAt(url: string, bytes: Buffer, version = '1.0'): ArtifactSource {
  return publishedArchive({
    url: `${url}/thing-1.0.tgz`,
    checksum: { algorithm: 'sha256', hex: digestOf(bytes) },
    version,
    architecture: 'all',
    place: (path) => (path.startsWith('bin/') ? path : undefined),
  })
}

export function artifactOf(...sources: ArtifactSource[]): Artifact {
  return { name: 'thing', version: '1.0', sources }
}
