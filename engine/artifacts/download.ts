import { createWriteStream } from 'node:fs'
import { stat, truncate } from 'node:fs/promises'
import type * as http from 'node:http'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { reasonOf } from '../errors.ts'
import { SourceUnavailable, type TransferredBytes } from './artifact.ts'
import { clientFor } from './http-client.ts'

const connectTimeoutMs = 5_000
const silenceTimeoutMs = 30_000
const redirectsAtMost = 5
const inVainAtMost = 3
const retryAfterMs = 500
const progressEveryMs = 250

// An origin that did not answer once is not asked again in this run: several artifacts would each wait for it.
const unreachable = new Map<string, string>()

export interface DownloadOptions {
  file: string
  signal: AbortSignal | undefined
  onProgress(bytes: TransferredBytes): void
  /** Told when what was in the file already is kept. */
  onContinue(): void
}

/**
 * Downloads to `file`, going on from what is already in it where the server can do that.
 *
 * @throws SourceUnavailable when the server does not answer, refuses, or stops sending again and again
 */
export async function download(
  url: URL,
  { file, signal, onProgress, onContinue }: DownloadOptions,
): Promise<void> {
  let inVain = 0
  while (true) {
    const size = await sizeOf(file)
    try {
      return await transfer(url, { file, size, signal, onProgress, onContinue })
    } catch (error) {
      signal?.throwIfAborted()
      // A disk that is full does not get better by asking the server again.
      if (error instanceof SourceUnavailable || isLocal(error)) throw error
      const received = await sizeOf(file)
      inVain = received > size ? 0 : inVain + 1
      if (inVain === inVainAtMost) {
        throw new SourceUnavailable(`the transfer ended after ${received} bytes: ${reasonOf(error)}`, {
          cause: error,
        })
      }
      await pause(inVain * retryAfterMs, undefined, { signal })
    }
  }
}

async function transfer(
  url: URL,
  { file, size, signal, onProgress, onContinue }: DownloadOptions & { size: number },
): Promise<void> {
  const response = await get(url, { range: size, signal })
  const status = response.statusCode ?? 0
  if (status === 416) {
    response.destroy()
    onContinue()
    // Either all of it is here, or the server has another file; the checksum tells.
    return
  }
  if (status !== 200 && status !== 206) {
    response.destroy()
    throw new SourceUnavailable(`it answered ${status} for ${url.pathname}`)
  }
  const goesOn = status === 206 && response.headers['content-range']?.startsWith(`bytes ${size}-`) === true
  if (status === 206 && !goesOn) {
    response.destroy()
    await truncate(file, 0)
    throw new Error(`it sent another range than the one that was asked for`)
  }
  if (goesOn) onContinue()
  const start = goesOn ? size : 0
  const length = response.headers['content-length']
  const expected = length === undefined ? undefined : Number(length)
  let received = 0
  let reported = 0
  const counted = new Transform({
    transform(chunk: Buffer, _, done) {
      received += chunk.length
      const now = performance.now()
      if (now - reported > progressEveryMs) {
        reported = now
        onProgress({
          receivedBytes: start + received,
          totalBytes: expected === undefined ? undefined : start + expected,
        })
      }
      done(null, chunk)
    },
  })
  await pipeline(response, counted, createWriteStream(file, { flags: goesOn ? 'a' : 'w' }), { signal })
  onProgress({ receivedBytes: start + received, totalBytes: start + received })
}

async function get(
  url: URL,
  { range, signal }: { range: number; signal: AbortSignal | undefined },
): Promise<http.IncomingMessage> {
  let target = url
  for (let redirects = 0; redirects <= redirectsAtMost; redirects++) {
    const response = await ask(target, { range, signal })
    const { location } = response.headers
    if (location === undefined || (response.statusCode ?? 0) < 300 || (response.statusCode ?? 0) >= 400) {
      return response
    }
    response.destroy()
    target = new URL(location, target)
  }
  throw new SourceUnavailable(`it redirects more than ${redirectsAtMost} times`)
}

async function ask(
  url: URL,
  { range, signal }: { range: number; signal: AbortSignal | undefined },
): Promise<http.IncomingMessage> {
  const known = unreachable.get(url.origin)
  if (known !== undefined) throw new SourceUnavailable(known)
  try {
    return await request(url, { range, signal })
  } catch (error) {
    signal?.throwIfAborted()
    const reason = `it cannot be reached: ${reasonOf(error)}`
    unreachable.set(url.origin, reason)
    throw new SourceUnavailable(reason, { cause: error })
  }
}

function request(
  url: URL,
  { range, signal }: { range: number; signal: AbortSignal | undefined },
): Promise<http.IncomingMessage> {
  const { client, agent } = clientFor(url)
  const headers = { 'user-agent': 'sluice', ...(range > 0 && { range: `bytes=${range}-` }) }
  return new Promise((resolve, reject) => {
    const asked = client.get(url, { headers, agent, ...(signal && { signal }) }, resolve)
    asked.on('error', reject)
    const giveUp = setTimeout(
      () => asked.destroy(new Error(`no connection within ${connectTimeoutMs / 1000} s`)),
      connectTimeoutMs,
    )
    asked.on('socket', (socket) => {
      if (socket.connecting) socket.once('connect', () => clearTimeout(giveUp))
      else clearTimeout(giveUp)
    })
    asked.on('close', () => clearTimeout(giveUp))
    asked.setTimeout(silenceTimeoutMs, () =>
      asked.destroy(new Error(`nothing was sent for ${silenceTimeoutMs / 1000} s`)),
    )
  })
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0
    throw error
  }
}

function isLocal(error: unknown): boolean {
  return ['ENOSPC', 'EACCES', 'EROFS', 'EDQUOT', 'EIO'].includes((error as NodeJS.ErrnoException).code ?? '')
}
