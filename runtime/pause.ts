import { setTimeout as sleep } from 'node:timers/promises'

/** Waits, but not longer than until the signal. */
export async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  try {
    await sleep(milliseconds, undefined, signal === undefined ? {} : { signal })
  } catch (error) {
    if (!signal?.aborted) throw error
  }
}

/** Waiting times that double from the first up to the longest. */
export function backoff({ initial, longest }: { initial: number; longest: number }): () => number {
  let next = initial
  return () => {
    const now = next
    next = Math.min(next * 2, longest)
    return now
  }
}
