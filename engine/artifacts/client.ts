import { spawn } from 'node:child_process'
import { SourceUnavailable } from './artifact.ts'

const timeLimitMs = 10 * 60_000
const tailCharacters = 20_000

/**
 * Runs a program that other people's machines may lack: a registry's client, tar, python.
 *
 * @returns what it printed
 * @throws SourceUnavailable with the line that says why, when it is not there or ends with an error
 */
export async function runClient(
  command: string,
  args: string[],
  { cwd, signal, advice }: { cwd: string; signal: AbortSignal | undefined; advice: string },
): Promise<string> {
  const limit = AbortSignal.timeout(timeLimitMs)
  const child = spawn(command, args, {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
  })
  let output = ''
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-tailCharacters)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  const exitCode = await new Promise<number | undefined>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve(code ?? undefined))
  }).catch((error: unknown) => {
    signal?.throwIfAborted()
    if (limit.aborted)
      throw new SourceUnavailable(`${command} did not end in ${timeLimitMs / 60_000} minutes`)
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new SourceUnavailable(`${command} is not installed on this machine`, { advice })
    }
    throw error
  })
  signal?.throwIfAborted()
  if (exitCode === 0) return output
  throw new SourceUnavailable(`${command} ended with ${exitCode ?? 'a signal'}: ${telling(output)}`, {
    advice,
  })
}

/** The line of a program's output that most likely says what was wrong: the first that speaks of an error, or the last. */
function telling(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '')
  const line = lines.find((text) => /\berror\b/i.test(text)) ?? lines.at(-1) ?? 'it printed nothing'
  return line.trim().slice(0, 300)
}
