import { spawn } from 'node:child_process'
import { open, readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { SluiceError } from '../../engine/errors.ts'

/** Who has not ended by then of itself is ended. */
const endsWithinMs = 5000

/** A program under measurement. */
export interface Program {
  readonly pid: number
  /** Lines of its stdout, where it was asked for them. */
  lines: AsyncIterable<string>
  /** Waits until it ends by itself. */
  ended: Promise<number>
  stop(): Promise<void>
}

/** Starts a program with its stderr, and unless `lines` are wanted its stdout too, in a file. */
export async function startProgram(
  [program = '', ...words]: readonly string[],
  {
    log,
    environment = {},
    lines = false,
  }: { log: string; environment?: Record<string, string>; lines?: boolean },
): Promise<Program> {
  const file = await open(log, 'a')
  const child = spawn(program, words, {
    env: { ...process.env, NODE_ENV: 'production', ...environment },
    stdio: ['ignore', lines ? 'pipe' : file.fd, file.fd],
  })
  await file.close()
  const ended = new Promise<number>((resolve, reject) => {
    child.once('close', (code) => resolve(code ?? -1))
    child.once('error', reject)
  })
  if (child.pid === undefined) await ended
  return {
    pid: child.pid ?? -1,
    lines: child.stdout === null ? nothing() : createInterface({ input: child.stdout }),
    ended,
    async stop() {
      child.kill('SIGTERM')
      const insist = setTimeout(() => child.kill('SIGKILL'), endsWithinMs)
      await ended
      clearTimeout(insist)
    },
  }
}

async function* nothing(): AsyncGenerator<string> {}

/** The error of a program that ended though it should not have. */
export async function endedEarly(name: string, log: string): Promise<SluiceError> {
  const said = (await readFile(log, 'utf8')).trimEnd().split('\n').slice(-20).join('\n')
  return new SluiceError('STEP_FAILED', {
    subject: `${name} ended before all was stored`,
    why: said,
    advice: 'see what it said above, and run the bench again',
  })
}
