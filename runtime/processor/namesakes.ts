import type { Db } from 'mongodb'
import type { GpuSample, TokenUsage } from '../messages.ts'
import { type Kind, rollupKinds } from './usage/rollup-kinds.ts'

/** A message whose only identity is where it lies, or lay at first. */
export interface Anonymous {
  /** The `_id` that its document has by that. */
  id: string
  message: GpuSample | TokenUsage
}

type Stored = { _id: string } & Record<string, unknown>

/**
 * Tells which messages another message has the name of. Names by offset begin anew with a topic that was made anew; a
 * message that merely comes again has the fields that are stored under its name.
 */
export async function namesakesAmong(
  db: Db,
  kind: Kind,
  messages: readonly Anonymous[],
): Promise<Set<Anonymous>> {
  if (messages.length === 0) return new Set()
  const ids = messages.map(({ id }) => id)
  const found = await db
    .collection<Stored>(rollupKinds[kind].documents)
    .find({ _id: { $in: ids } })
    .toArray()
  const stored = new Map(found.map((document) => [document._id, document]))
  return new Set(messages.filter(({ id, message }) => !isOf(stored.get(id), message)))
}

function isOf(document: Stored | undefined, message: GpuSample | TokenUsage): boolean {
  // Deleted meanwhile, by its age: nothing can be told any more.
  if (document === undefined) return true
  return Object.entries(message).every(([name, value]) => {
    const there = document[name]
    if (value instanceof Date) return there instanceof Date && there.getTime() === value.getTime()
    // Usage that names no price has been given one.
    return there === value || (value === undefined && name === 'price_per_hour_usd')
  })
}
