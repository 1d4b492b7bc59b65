import { CommanderError } from 'commander'
import { describeError } from '../engine/errors.ts'

/** What a bench is told besides its options. */
export interface BenchCircumstances {
  /** The command line that started it, for the report. */
  command: string
  progress: (message: string) => void
  /** Raised by Ctrl-C. */
  signal: AbortSignal
}

/** Runs a bench as the program, and sets the exit code; errors and Ctrl-C are told on stderr. */
export async function runBench<Options>(
  script: string,
  read: (words: readonly string[]) => Options,
  measure: (options: Options, circumstances: BenchCircumstances) => Promise<void>,
): Promise<void> {
  const words = process.argv.slice(2)
  const interruption = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interruption.abort())
  const progress = (message: string) => void process.stderr.write(`${message}\n`)
  try {
    const command = [`npm run ${script}`, ...(words.length > 0 ? ['--', ...words] : [])].join(' ')
    await measure(read(words), { command, progress, signal: interruption.signal })
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode
      return
    }
    progress(interruption.signal.aborted ? 'stopped' : describeError(error))
    process.exitCode = 1
  }
}
