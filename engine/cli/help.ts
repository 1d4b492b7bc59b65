import { typable } from '../errors.ts'
import type { Example } from './registry.ts'

/** Examples as they stand below a command's options. */
export function examplesText(examples: readonly Example[]): string {
  if (examples.length === 0) return ''
  const lines = examples.map(({ command, meaning }) => `  $ ${typable(command)}\n      ${meaning}`)
  return `\nExamples:\n${lines.join('\n')}\n`
}

export const closingText = `
In a clone of the project "sluice" is: npm run sluice --, or npm run provision -- and so on.
Options go behind that "--": npm takes for itself what stands before it, -i and -l too.

Exit codes: 0 as it should be, 1 something failed, 2 --check found differences,
64 the command line or a file is not understood, 130 stopped by Ctrl-C.
`
