import { SluiceError } from '../errors.ts'
import type { Emit } from '../events.ts'

/** Writes every event as one line of JSON, in the form of `RunDocument`. */
export function jsonReport({ write, diff }: { write(line: string): void; diff: boolean }): Emit {
  return (event) => write(jsonLine(event, { texts: diff }))
}

/** An error that ended a command, as the last line of its JSON. */
export function jsonErrorLine(error: SluiceError): string {
  return jsonLine({ type: 'error', error }, { texts: false })
}

/** Long texts only where they are asked for: they are most of a document's size. */
function jsonLine(document: object, { texts }: { texts: boolean }): string {
  return JSON.stringify(document, (key, value: unknown) => {
    if (value instanceof SluiceError) {
      const { code, subject, at, why, advice } = value
      return { code, subject, at, why, advice }
    }
    if (key === 'text' && !texts) return undefined
    if (typeof value === 'number') return Math.round(value)
    return value
  })
}
