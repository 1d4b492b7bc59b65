import { exitCodes } from './exit-codes.ts'

export interface Interruption {
  /** Raised by the first Ctrl-C or SIGTERM; the second ends the program at once. */
  signal: AbortSignal
  /** For a view that says itself that the run is being stopped. */
  silence(): void
}

/** @param notice says, after the first Ctrl-C, that the steps in hand are being finished */
export function interruption(notice: () => void): Interruption {
  const controller = new AbortController()
  const { signal } = controller
  const stop = () => {
    if (signal.aborted) process.exit(exitCodes.interrupted)
    controller.abort()
  }
  process.on('SIGINT', stop).on('SIGTERM', stop)
  signal.addEventListener('abort', notice)
  return { signal, silence: () => signal.removeEventListener('abort', notice) }
}
