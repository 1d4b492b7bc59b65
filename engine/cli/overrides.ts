import { resolve } from 'node:path'
import type { Variables } from '../inventory.ts'
import type { HostOptions } from './options.ts'
import type { Session } from './session.ts'

/**
 * The variables of the configured and the typed vars files, then those of `--var`: later ones win.
 *
 * @throws SluiceError USAGE for a bad variable or vars file
 */
export async function readOverrides(
  { configuration }: Pick<Session, 'configuration'>,
  { var: typed, varsFile }: Pick<HostOptions, 'var' | 'varsFile'>,
): Promise<Variables[]> {
  const { parseVariable, readVariablesFile } = await import('../variables.ts')
  const fromWords = typed.map((text) => parseVariable(text))
  const files = [...configuration.varsFiles, ...varsFile.map((path) => resolve(path))]
  return [...(await Promise.all(files.map((path) => readVariablesFile(path)))), ...fromWords]
}
