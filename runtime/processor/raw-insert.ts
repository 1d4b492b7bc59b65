import type { Db } from 'mongodb'
// What the driver itself sends inserts by. It exports no way to insert documents that are BSON already; a test holds
// this one against the driver's version that the lockfile pins.
import { DocumentSequence } from 'mongodb/lib/cmap/commands.js'
import * as v from 'valibot'
import type { WriteError } from './write-errors.ts'

const Answer = v.object({
  writeErrors: v.optional(
    v.array(v.object({ index: v.number(), code: v.number(), errmsg: v.optional(v.string()) })),
    [],
  ),
  writeConcernError: v.optional(v.object({ code: v.number(), errmsg: v.optional(v.string()) })),
})

/**
 * As long as the driver waits for an answer on a socket. It waits without end to be rid of a large request whose
 * connection it has itself closed meanwhile, since such a socket neither drains nor tells an error.
 */
const longestMs = 15_000

/**
 * Inserts documents that are BSON already, in no order, and returns which were not inserted and why. One attempt: it
 * throws where it is unclear what was inserted.
 */
export async function insertRaw(
  database: Db,
  collection: string,
  bytes: Uint8Array,
  { withinMs = longestMs }: { withinMs?: number } = {},
): Promise<WriteError[]> {
  const documents = new DocumentSequence('documents')
  documents.push(undefined, bytes)
  const signal = AbortSignal.timeout(withinMs)
  const answer = await database.command(
    {
      insert: collection,
      documents,
      ordered: false,
      // An offset is committed once its documents are acknowledged: they must then outlive a kill of mongod.
      writeConcern: { w: 'majority', j: true },
    },
    { signal },
  )
  const { writeErrors, writeConcernError } = v.parse(Answer, answer)
  if (writeConcernError !== undefined) {
    throw new Error(`MongoDB: ${writeConcernError.errmsg ?? `code ${writeConcernError.code}`}`)
  }
  return writeErrors.map(({ index, code, errmsg }) => ({ index, code, message: errmsg ?? `code ${code}` }))
}
