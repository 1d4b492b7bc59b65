import { type Script, sh } from '../shell.ts'

/** What joint probes share: commands that take many paths at once, and whose output does not depend on the names. */

/** Digests as `sha256sum` tells them; before a line with an escaped name stands a `\`. */
export function digestOf(line: string): string {
  return line.replace(/^\\/, '').slice(0, 64)
}

/** Prints the lines of all these files, each after its file's path and a colon; files that are not there have none. */
export function tellLinesOf(paths: readonly string[]): Script {
  return sh`grep --with-filename --no-messages --text -- '' ${paths} || :`
}

/** Those of one file, out of what `tellLinesOf` printed. */
export function linesOfPath(output: readonly string[], path: string): string[] {
  const prefix = `${path}:`
  return output.filter((line) => line.startsWith(prefix)).map((line) => line.slice(prefix.length))
}

/** The lines between two that a probe printed to part its answers. */
export function part(output: readonly string[], from: string, to: string): string[] {
  return output.slice(output.indexOf(from) + 1, output.indexOf(to))
}
