import { execFile } from 'node:child_process'
import { SluiceError } from '../../engine/errors.ts'
import { NoAnswer, readAnswer, type SshSettings } from './answer.ts'

/** A host as it would be typed after `ssh`. */
export interface Destination {
  name: string
  user?: string | undefined
  port?: number | undefined
}

export interface AskOptions {
  /** Instead of the user's own configuration and the system's. */
  file?: string | undefined
  signal?: AbortSignal | undefined
}

/** `Match exec` runs commands. */
const patienceMs = 15_000

/**
 * Asks the system's ssh what it would do to reach a host. It connects to nothing.
 *
 * @throws SluiceError INVENTORY_INVALID with what ssh says of its configuration
 */
export async function askSsh(
  { name, user, port }: Destination,
  { file, signal }: AskOptions,
): Promise<SshSettings> {
  const words = [
    '-G',
    ...(file === undefined ? [] : ['-F', file]),
    ...(user === undefined ? [] : ['-l', user]),
    ...(port === undefined ? [] : ['-p', String(port)]),
    ...['--', name],
  ]
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const options = { timeout: patienceMs, env: { ...process.env, LC_ALL: 'C' }, ...(signal && { signal }) }
  const child = execFile('ssh', words, options, (error, stdout, stderr) => {
    if (error === null) resolve(stdout)
    else reject(refused(name, error, stderr))
  })
  child.stdin?.end()
  const text = await promise
  try {
    return readAnswer(text)
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error
    throw new SluiceError('INVENTORY_INVALID', {
      subject: `what ssh -G says of ${name} is not understood: ${error.message}`,
      at: file ?? 'the configuration of ssh',
      advice: `see what ssh -G ${name} prints; ssh should be that of OpenSSH`,
      cause: error,
    })
  }
}

function refused(
  name: string,
  error: Error & { code?: unknown; killed?: boolean },
  said: string,
): SluiceError {
  if (error.code === 'ENOENT') {
    return new SluiceError('INVENTORY_INVALID', {
      subject: 'this machine has no ssh program, which knows what its configuration says',
      at: name,
      advice: 'apt-get install openssh-client',
      cause: error,
    })
  }
  return new SluiceError('INVENTORY_INVALID', {
    subject: `ssh cannot say how to reach ${name}`,
    at: 'the configuration of ssh',
    why: error.killed ? `it did not answer within ${patienceMs / 1000} s` : said.trim() || error.message,
    advice: `correct the configuration until ssh -G ${name} prints what it should`,
    cause: error,
  })
}
