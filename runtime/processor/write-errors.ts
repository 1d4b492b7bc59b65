/** What one bulk insert says about one document that it did not insert. */
export interface WriteError {
  index: number
  code: number
  message: string
}

export interface Verdict {
  /** The places of documents that were there already. */
  duplicates: number[]
  /** Documents that the database will never take. */
  rejected: { index: number; reason: string }[]
  /** Why the whole insert should be repeated, if it should. */
  repeat: string | undefined
}

const duplicateKey = 11_000

/**
 * Codes by which the server refuses one document for what it is: BadValue, InvalidBSON, DollarPrefixedFieldName,
 * DottedFieldName, DocumentValidationFailure, BSONObjectTooLarge.
 */
const refusals = new Set([2, 22, 52, 57, 121, 10_334])

/** Tells what is final from what may be better next time: a full disk, a stepdown, a timeout. */
export function judgeWriteErrors(errors: WriteError[]): Verdict {
  const verdict: Verdict = { duplicates: [], rejected: [], repeat: undefined }
  for (const { index, code, message } of errors) {
    if (code === duplicateKey) verdict.duplicates.push(index)
    else if (refusals.has(code)) verdict.rejected.push({ index, reason: `MongoDB: ${message}` })
    else verdict.repeat ??= message
  }
  return verdict
}
