import { stat } from 'node:fs/promises'
import { createServer } from 'node:net'

/** The spool cannot be used: which, why, and what to do. */
export class SpoolError extends Error {
  override readonly name = 'SpoolError'
  readonly advice: string

  constructor(message: string, advice: string, cause?: unknown) {
    super(message, { cause })
    this.advice = advice
  }
}

/**
 * Keeps a directory for this process alone, until it ends or calls what this returns. The lock is a name among Linux'
 * abstract sockets, which the kernel takes back however the process ends: no file is left to be judged stale.
 *
 * @throws SpoolError when another process has it
 */
export async function lockDirectory(directory: string): Promise<() => Promise<void>> {
  const { dev, ino } = await stat(directory)
  const server = createServer((socket) => socket.destroy())
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE'
          ? new SpoolError(
              `another producer uses the spool ${directory}`,
              'give each producer a SPOOL_DIR of its own, or stop the other one',
              error,
            )
          : error,
      )
    })
    server.listen(`\0sluice-spool-${dev}-${ino}`, resolve)
  })
  server.unref()
  return () => new Promise((resolve) => server.close(() => resolve()))
}
