import { reasonOf } from '../../engine/errors.ts'
/**
 * Throws what a client of Kafka says went wrong: of several topics or partitions at once it says only that something
 * did, and keeps the reasons beside it.
 */
export function throwReasons(error: unknown): never {
  const { errors = [] } = error as { errors?: unknown[] }
  const reasons = errors.map(reasonOf)
  throw reasons.length > 0 ? new Error(reasons.join('; '), { cause: error }) : error
}
