import { createInterface } from 'node:readline/promises'
import { SluiceError } from '../errors.ts'
import type { Session } from './session.ts'

/**
 * Asks on the terminal; only `yes` is yes.
 *
 * @throws SluiceError INTERRUPTED when the question is not answered
 */
export async function confirmed({ stdin, stderr, signal }: Session, text: string): Promise<boolean> {
  const lines = createInterface({ input: stdin, output: stderr as NodeJS.WriteStream })
  try {
    return (await lines.question(text, { signal })).trim() === 'yes'
  } catch (cause) {
    stderr.write('\n')
    throw new SluiceError('INTERRUPTED', {
      subject: 'the question was not answered',
      advice: 'nothing was done; type yes to go on, or use --yes',
      cause,
    })
  } finally {
    lines.close()
  }
}
