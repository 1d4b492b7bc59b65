import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { ExecutionContext } from 'ava'

const program = resolve(import.meta.dirname, '../../sluice.ts')

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
  words: string[],
  environment: Record<string, string> = {},
): Promise<CliResult> {
  const { SLUICE_INVENTORY: _, FORCE_COLOR: __, ...inherited } = process.env
  return new Promise((resolveResult) => {
    const child = execFile(
      process.execPath,
      [program, ...words],
      { cwd: folder, env: { ...inherited, ...environment } },
      (_error, stdout, stderr) => resolveResult({ exitCode: child.exitCode ?? -1, stdout, stderr }),
    )
    child.stdin?.end()
  })
}
