import { exitCodes } from './exit-codes.ts'

/**
 * A signal that the first Ctrl-C (or SIGTERM) raises; the second ends the program at once.
 *
 * @param onFirst says that the steps in hand are being finished
 */
export function interruption(onFirst: () => void): AbortSignal {
  const controller = new AbortController()
  const stop = () => {
    if (controller.signal.aborted) process.exit(exitCodes.interrupted)
    controller.abort()
    onFirst()
  }
  process.on('SIGINT', stop).on('SIGTERM', stop)
  return controller.signal
}
