import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile } from 'node:fs/promises'
import { cpuMsOf, endProcesses, makeGroup, removeGroup } from './control-group.ts'
import { peakOf } from './memory.ts'

/** A command of a tool: what is typed, where, and with which variables besides the usual ones. */
export interface ToolCommand {
  words: string[]
  directory: string
  environment: Record<string, string>
}

export interface Measured {
  wallMs: number
  /** Of all processes that the command started, whether it waited for them or not. */
  cpuMs: number
  /** The most that these processes used together, pages that they share counted once. */
  memoryMb: number
  exitCode: number
  output: string
}

/** Runs a command in a control group of its own, from its start until it ends, and ends what it left behind. */
export async function measure(command: ToolCommand, logFile: string): Promise<Measured> {
  const group = makeGroup()
  const log = await open(logFile, 'w')
  try {
    const memory = peakOf(group)
    const started = performance.now()
    const child = spawn(
      '/bin/sh',
      ['-c', 'echo $$ > "$0/cgroup.procs" && exec "$@"', group, ...command.words],
      {
        cwd: command.directory,
        env: { ...process.env, ...command.environment },
        stdio: ['ignore', log.fd, log.fd],
      },
    )
    const [exitCode] = await once(child, 'exit')
    const wallMs = performance.now() - started
    const memoryMb = memory.stop()
    await endProcesses(group)
    return {
      wallMs,
      cpuMs: cpuMsOf(group),
      memoryMb,
      exitCode: exitCode ?? -1,
      output: await readFile(logFile, 'utf8'),
    }
  } finally {
    await log.close()
    await removeGroup(group)
  }
}
