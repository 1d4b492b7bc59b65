import type { Command, CommanderError } from 'commander'
import { keepCompiledCode } from '../compile-cache.ts'
import { describeError, SluiceError } from '../errors.ts'
import { jsonErrorLine } from '../report/json.ts'
import { painter, printable } from '../report/terminal.ts'
import { exitCodeOfError, exitCodes } from './exit-codes.ts'
import { pathOf, swallowedInventory, swallowedOptions } from './npm-options.ts'
import type { Registry } from './registry.ts'
import type { Screens } from './session.ts'

/**
 * Does what a command line says.
 *
 * @param words what was typed after the program's name
 * @returns the exit code
 */
export async function main(words: readonly string[], registry: Registry, screens: Screens): Promise<number> {
  keepCompiledCode()
  for (const screen of [screens.stdout, screens.stderr]) screen.on('error', outliveReader)
  let exitCode: number = exitCodes.converged
  let stopped: AbortSignal | undefined
  const [{ createProgram }, { openSession }] = await Promise.all([
    import('./program.ts'),
    import('./session.ts'),
  ])
  const program = createProgram(registry, async (work) => {
    const session = openSession(registry, screens)
    stopped = session.signal
    exitCode = await work(session)
  })
  for (const command of everyCommand(program)) {
    command
      .exitOverride()
      .configureOutput({ outputError: () => {} })
      .allowExcessArguments(false)
  }
  try {
    await program.parseAsync([...words], { from: 'user' })
    return exitCode
  } catch (error) {
    if (isCommanderError(error)) {
      if (error.exitCode === 0) return exitCodes.converged
      // Commander has printed the help by then: that is the answer to no command at all.
      if (error.code === 'commander.help') return exitCodes.misuse
      const inventories = registry.inventories.map(({ name }) => name)
      return showError(usageError(error, program, words, inventories), words, screens)
    }
    const aborted =
      stopped?.aborted === true && !(error instanceof SluiceError) && !(error instanceof TypeError)
    const code = showError(aborted ? interruptedError(error) : error, words, screens)
    return stopped?.aborted ? exitCodes.interrupted : code
  }
}

/** A run is not to be broken off half way because nobody reads it any more, as with `| head`. */
function outliveReader(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
}

function everyCommand(command: Command): Command[] {
  return [command, ...command.commands.flatMap(everyCommand)]
}

function isCommanderError(error: unknown): error is CommanderError {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('commander.')
}

function usageError(
  error: CommanderError,
  program: Command,
  words: readonly string[],
  inventories: readonly string[],
): SluiceError {
  const command = commandOf(program, words)
  const path = pathOf(command)
  const rest = words.slice(path.length)
  const swallowed =
    swallowedOptions(command, rest) ??
    (error.code === 'commander.excessArguments' ? swallowedInventory(command, rest, inventories) : undefined)
  if (swallowed !== undefined) return swallowed
  const [first = '', ...further] = error.message.split('\n')
  const hint = further.join(' ').replace(/^\((.*)\)$/, '$1')
  return new SluiceError('USAGE', {
    subject: first.replace(/^error: /, '').replace(/\.$/, ''),
    at: 'the command line',
    ...(hint !== '' && { why: hint }),
    advice:
      error.code === 'commander.excessArguments' && command.options.some(({ long }) => long === '--limit')
        ? `name hosts with --limit: sluice ${path.join(' ')} --limit vm1, for example`
        : path.length === 0
          ? 'sluice help lists the commands'
          : `sluice ${path.join(' ')} --help shows what can be typed`,
    cause: error,
  })
}

/** The command that the first words name. */
function commandOf(program: Command, words: readonly string[]): Command {
  let command = program
  for (const word of words) {
    const named = command.commands.find((each) => each.name() === word)
    if (named === undefined) break
    command = named
  }
  return command
}

/** What was under way ended by the abort signal, with whatever error that makes there. */
function interruptedError(cause: unknown): SluiceError {
  return new SluiceError('INTERRUPTED', {
    subject: 'the command was stopped',
    advice: 'run it again: it goes on from the state that things are in',
    cause,
  })
}

function showError(error: unknown, words: readonly string[], { stdout, stderr }: Screens): number {
  if (error instanceof SluiceError && words.includes('--json')) stdout.write(`${jsonErrorLine(error)}\n`)
  const [first = '', ...rest] = printable(describeError(error)).split('\n')
  stderr.write(`${[painter(stderr)(['red', 'bold'], first), ...rest].join('\n')}\n`)
  return exitCodeOfError(error)
}
