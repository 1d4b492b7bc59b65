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
 * Inserts documents that are BSON already, in no order, and returns which were not inserted and why. One attempt: it
 * throws where it is unclear what was inserted.
 */
export async function insertRaw(database: Db, collection: string, bytes: Uint8Array): Promise<WriteError[]> {
  const documents = new DocumentSequence('documents')
  documents.push(undefined, bytes)
  const answer = await database.command({
    insert: collection,
    documents,
    ordered: false,
    // An offset is committed once its documents are acknowledged: they must then outlive a kill of mongod.
    writeConcern: { w: 'majority', j: true },
  })
  const { writeErrors, writeConcernError } = v.parse(Answer, answer)
  if (writeConcernError !== undefined) {
    throw new Error(`MongoDB: ${writeConcernError.errmsg ?? `code ${writeConcernError.code}`}`)
  }
  return writeErrors.map(({ index, code, errmsg }) => ({ index, code, message: errmsg ?? `code ${code}` }))
}
