import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ExecutionContext } from 'ava'

const program = resolve(import.meta.dirname, '../../sluice.ts')

/** An environment in which software is looked for behind a proxy that is not there, and so not outside this machine. */
export const withoutNetwork = {
  http_proxy: 'http://127.0.0.1:9',
  https_proxy: 'http://127.0.0.1:9',
  no_proxy: '',
  NO_PROXY: '',
}

export interface CliResult {
  exitCode: number
  stdout: string
  stderr: string
}

/** A project folder of its own, with these files in it, gone after the test. */
export function projectFolder(t: ExecutionContext, files: Record<string, string> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-cli-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  // It marks the folder as a project, wherever the temporary folder is.
  writeFileSync(join(folder, 'package.json'), '{}')
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content)
  return folder
}

/** Runs the program as a process of its own in a project folder, without a terminal. */
export function sluice(
  folder: string,
  words: readonly string[],
  environment: Record<string, string> = {},
): Promise<CliResult> {
  return startSluice(folder, words, environment).ended
}

/** Starts the program; `said` waits for a text on standard error (so many times), `ended` for its end. */
export function startSluice(
  folder: string,
  words: readonly string[],
  environment: Record<string, string> = {},
) {
  const { SLUICE_INVENTORY: _, FORCE_COLOR: __, ...inherited } = process.env
  const { promise: ended, resolve: end } = Promise.withResolvers<CliResult>()
  const child = execFile(
    process.execPath,
    [program, ...words],
    { cwd: folder, env: { ...inherited, ...environment }, maxBuffer: 64 * 1024 ** 2 },
    (_error, stdout, stderr) => end({ exitCode: child.exitCode ?? -1, stdout, stderr }),
  )
  child.stdin?.end()
  let stderr = ''
  child.stderr?.on('data', (text: string) => {
    stderr += text
  })
  const said = async (expected: string, times = 1) => {
    const enough = () => stderr.split(expected).length > times
    while (!enough() && child.exitCode === null && child.signalCode === null) await sleep(20)
  }
  return { ended, said, interrupt: () => child.kill('SIGINT') }
}
