import type { IHeaders } from 'kafkajs'

/**
 * What a message that was replayed out of the dead letters says of itself in its headers. `sluice dlq replay` writes
 * them, playbooks/operate/letter.ts.
 */
export const replayHeaders = {
  /** `topic:partition:offset` of where it lay at first: it has no other identity where it carries no `event_id`. */
  origin: 'sluice.origin',
  /** How often it has been replayed. */
  replays: 'sluice.replays',
} as const

const placePattern = /^[a-zA-Z0-9._-]{1,249}:\d{1,10}:\d{1,19}$/

/** Where a replayed message lay at first; `undefined` for any other message. */
export function originOf(headers: IHeaders | undefined): string | undefined {
  const value = headers?.[replayHeaders.origin]
  if (value === undefined) return undefined
  const written = String(value)
  return placePattern.test(written) ? written : undefined
}

/** How often a message has been replayed. */
export function replaysOf(headers: IHeaders | undefined): number {
  const written = String(headers?.[replayHeaders.replays] ?? '')
  return /^\d{1,9}$/.test(written) ? Number(written) : 0
}
