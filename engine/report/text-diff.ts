import { structuredPatch } from 'diff'
import type { Change } from '../resource.ts'
import { type Paint, printable } from './terminal.ts'

/** The two sides of a text as a unified diff, without file names; binary content is only said to be so. */
export function textDiff({ text }: Change, paint: Paint): string[] {
  if (text === undefined) return []
  const { have = '', want } = text
  if (have.includes('\0') || want.includes('\0')) return [paint('dim', 'binary content, not shown')]
  const { hunks } = structuredPatch('have', 'want', have, want, undefined, undefined, { context: 3 })
  return hunks.flatMap(({ oldStart, oldLines, newStart, newLines, lines }) => [
    paint('cyan', `@@ -${range(oldStart, oldLines)} +${range(newStart, newLines)} @@`),
    ...lines.map((line) => painted(printable(line), paint)),
  ])
}

/** An empty side begins at line 0, as diff and git have it. */
function range(start: number, length: number): string {
  return `${length === 0 ? start - 1 : start},${length}`
}

function painted(line: string, paint: Paint): string {
  if (line.startsWith('+')) return paint('green', line)
  if (line.startsWith('-')) return paint('red', line)
  return line
}
