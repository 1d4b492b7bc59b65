import { CommanderError } from 'commander'
import { describeError } from '../engine/errors.ts'
import { measureUsage } from './usage/measure.ts'
import { readUsageOptions } from './usage/options.ts'

async function main(words: readonly string[]): Promise<number> {
  const interruption = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interruption.abort())
  try {
    const options = readUsageOptions(words)
    const command = ['npm run bench:usage', ...(words.length > 0 ? ['--', ...words] : [])].join(' ')
    const progress = (message: string) => void process.stderr.write(`${message}\n`)
    await measureUsage(options, { command, progress, signal: interruption.signal })
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode
    process.stderr.write(`${interruption.signal.aborted ? 'stopped' : describeError(error)}\n`)
    return 1
  }
}

process.exitCode = await main(process.argv.slice(2))
