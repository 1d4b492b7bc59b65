/** Aborts at the first SIGTERM or SIGINT, and tells which it was. */
export function stopSignal(onStop: (name: string) => void): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) return
      onStop(name)
      controller.abort()
    })
  }
  return controller.signal
}
