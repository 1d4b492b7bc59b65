import { createInterface } from 'node:readline'
import { $, which } from 'zx'
import { interrupted, SluiceError } from '../engine/errors.ts'

/** A program of the user's machine that makes hosts. */
export interface Program {
  name: string
  /** What to do when it is not there. */
  install: string
  /** What to look at when it could not do what it was asked. */
  look: string
  /** What a person should see of what it printed, where that is not the same. */
  readable?(printed: string): string
}

export interface Manner {
  /** For its standard input. */
  input?: string
  directory?: string
  environment?: Record<string, string>
  /** Ends it at once: for what only reads. */
  signal?: AbortSignal | undefined
  /** After which it is ended. */
  seconds?: number
  /** Called with each line that it prints, while it works. */
  onLine?(line: string): void
  /** Asked to stop (SIGINT) when this program ends before it, as a second Ctrl-C has it. */
  endsWithUs?: boolean
}

const lastLines = 20

/**
 * Runs a program on this machine, each word as it is, and gives what it printed.
 *
 * @throws SluiceError PROGRAM_MISSING when it is not installed, PROGRAM_FAILED with what it said, INTERRUPTED
 */
export async function runProgram(
  { name, install, look, readable }: Program,
  words: readonly string[],
  { input, directory, environment, signal, seconds, onLine, endsWithUs = false }: Manner = {},
): Promise<string> {
  if ((await which(name, { nothrow: true })) === null) {
    throw new SluiceError('PROGRAM_MISSING', {
      subject: `${name} is not installed on this machine, or not on the PATH`,
      advice: install,
    })
  }
  const running = $({
    quiet: true,
    nothrow: true,
    // A Ctrl-C reaches this process only, which then decides what may be cut short.
    detached: true,
    env: { ...process.env, LC_ALL: 'C.UTF-8', ...environment },
    input: input ?? '',
    ...(directory !== undefined && { cwd: directory }),
    ...(signal !== undefined && { signal }),
    ...(seconds !== undefined && { timeout: `${seconds}s` as const }),
  })`${[name, ...words]}`
  const interrupt = () => void running.child?.kill('SIGINT')
  if (endsWithUs) process.once('exit', interrupt)
  if (onLine !== undefined) createInterface({ input: running.stdout }).on('line', onLine)
  const said = await running.finally(() => process.off('exit', interrupt))
  if (said.exitCode === 0) return said.stdout
  if (signal?.aborted) throw interrupted()
  const printed = `${said.stdout}\n${said.stderr}`
  const why = (readable?.(printed) ?? printed).trim().split(/\r?\n/).slice(-lastLines).join('\n')
  const ended = said.exitCode === null ? `did not answer in ${seconds} s` : `ended with ${said.exitCode}`
  throw new SluiceError('PROGRAM_FAILED', {
    subject: `${[name, ...words.slice(0, 1)].join(' ')} ${ended}`,
    at: [name, ...words].join(' '),
    ...(why !== '' && { why }),
    advice: look,
  })
}
