import { inspect } from 'node:util'

/** Shorter values are words that occur anyway: to hide them would hide half of every message. */
const shortestHidden = 6

/** Every form in which a known secret could be met in a text, longest first. */
let hiddenForms: string[] = []

/** A value that must never be shown: however it is printed, it prints as `***`, and so do texts that contain it. */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
    const found = formsOf(value).filter((form) => !hiddenForms.includes(form))
    if (found.length > 0) hiddenForms = [...hiddenForms, ...found].sort((a, b) => b.length - a.length)
  }

  /** The value itself, for the one place that needs it. */
  reveal(): string {
    return this.#value
  }

  toString(): string {
    return '***'
  }

  toJSON(): string {
    return '***'
  }

  [inspect.custom](): string {
    return '***'
  }
}

/** The text with `***` for every secret of this process in it: what a host prints may contain what it was sent. */
export function masked(text: string): string {
  return hiddenForms.reduce((shown, form) => shown.replaceAll(form, '***'), text)
}

/** The same for all texts in a value of plain objects and lists; what is of a class is left as it is. */
export function maskedDeep<Value>(value: Value): Value {
  return hiddenForms.length === 0 ? value : (mapTexts(value) as Value)
}

function mapTexts(value: unknown): unknown {
  if (typeof value === 'string') return masked(value)
  if (Array.isArray(value)) return value.map(mapTexts)
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, mapTexts(inner)]))
}

/** The value and each of its lines: plain, quoted for JSON and for a shell, URL-encoded, in base64 wherever it begins. */
function formsOf(value: string): string[] {
  const pieces = [value, ...value.split('\n')].map((piece) => piece.trim())
  return [...new Set(pieces)]
    .filter((piece) => piece.length >= shortestHidden)
    .flatMap((piece) => [
      piece,
      JSON.stringify(piece).slice(1, -1),
      piece.replaceAll("'", "'\\''"),
      encodeURIComponent(piece),
      ...[0, 1, 2].map((offset) => base64Within(piece, offset)),
      ...[0, 1, 2].map((offset) => base64Within(piece, offset).replaceAll('+', '-').replaceAll('/', '_')),
    ])
    .filter((form) => form.length >= shortestHidden)
}

/** What base64 makes of the piece when `offset` (0–2) bytes stand before it in its group of three: the part that no neighbour changes. */
function base64Within(piece: string, offset: number): string {
  const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(piece)])
  const whole = bytes.length - (bytes.length % 3)
  return bytes
    .subarray(0, whole)
    .toString('base64')
    .slice(offset === 0 ? 0 : 4)
}
