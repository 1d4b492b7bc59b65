import * as v from 'valibot'
import { JsonDocument } from '../../playbooks/json-document.ts'

/** What a command printed with --json: every line must be a document of the schema. */
export function documentsIn(stdout: string): JsonDocument[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => v.parse(JsonDocument, JSON.parse(line)))
}

/** Those of one type; there must be no line that is no document. */
export function documentsOf<Type extends JsonDocument['type']>(
  stdout: string,
  type: Type,
): Extract<JsonDocument, { type: Type }>[] {
  return documentsIn(stdout).filter(
    (document): document is Extract<JsonDocument, { type: Type }> => document.type === type,
  )
}
