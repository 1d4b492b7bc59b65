import * as v from 'valibot'
import { CommandDocument } from '../engine/cli/json-documents.ts'
import { RunDocument } from '../engine/report/json-schema.ts'
import { RunHeader } from '../engine/report/run-record.ts'
import { VerifyDocument } from './verify/result.ts'

/** Every document that any command prints with `--json`, one a line, told apart by its `type`. */
export const JsonDocument = v.variant('type', [
  ...RunDocument.options,
  RunHeader,
  ...VerifyDocument.options,
  ...CommandDocument.options,
])
export type JsonDocument = v.InferOutput<typeof JsonDocument>
