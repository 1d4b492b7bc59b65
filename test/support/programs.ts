import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { nodeOptions } from '../../roles/node.ts'

/** How a program ended, and what it wrote to stdout. */
export interface Ended {
  exitCode: number | null
  signal: NodeJS.Signals | null
  stdout: string
}

/** A bundle that runs as a process of its own. */
export interface Program {
  readonly pid: number | undefined
  readonly ended: Promise<Ended>
  kill(signal: NodeJS.Signals): void
}

/** The smaller of the heaps that the roles give our programs: what they do must be possible in it. */
const heapMb = 128

/** Starts a bundle under the Node that runs this, as its unit does, with these variables and no others. */
export function startProgram(
  bundle: string,
  { words = [], environment, log }: { words?: string[]; environment: Record<string, string>; log: string },
): Program {
  const file = openSync(log, 'a')
  const child: ChildProcess = spawn(process.execPath, [...nodeOptions(heapMb), bundle, ...words], {
    env: { NODE_ENV: 'production', ...environment },
    stdio: ['ignore', 'pipe', file],
  })
  closeSync(file)
  let stdout = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (exitCode, signal) => resolve({ exitCode, signal, stdout }))
  })
  return {
    get pid() {
      return child.pid
    },
    ended,
    kill: (signal) => child.kill(signal),
  }
}

/** Waits until `check` says yes, and returns how long that took in milliseconds. */
export async function eventually(
  what: string,
  check: () => Promise<boolean>,
  timeoutMs = 180_000,
): Promise<number> {
  const startedAt = Date.now()
  while (Date.now() - startedAt < timeoutMs) {
    if (await check()) return Date.now() - startedAt
    await sleep(100)
  }
  throw new Error(`${what}: not within ${timeoutMs / 1000} s`)
}

/** The status and body of a URL, or `undefined` while nothing answers. */
export async function answerOf(url: string): Promise<{ status: number; body: string } | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) })
    return { status: response.status, body: await response.text() }
  } catch {
    return undefined
  }
}
