import { Secret } from './secret.ts'

/** A piece of POSIX shell in which every value is quoted. Only `sh` makes one. */
export interface Script {
  readonly text: string
  /** The same, fit to be shown: secrets are `***`, long values are cut. */
  readonly shown: string
}

type Value = string | number | Secret | Script | readonly (string | number | Secret)[]

/**
 * `text` as one word of a POSIX shell, whatever it contains.
 *
 * @throws TypeError when it contains NUL, which no shell word can
 */
export function quote(text: string): string {
  if (text.includes('\0')) throw new TypeError(`a shell word cannot contain NUL: ${JSON.stringify(text)}`)
  return /^[a-zA-Z0-9_./:@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

const shownLength = 120

function render(value: Value): { text: string; shown: string } {
  if (value instanceof Secret) return { text: quote(value.reveal()), shown: '***' }
  if (typeof value === 'string' || typeof value === 'number') {
    const text = quote(String(value))
    return { text, shown: text.length > shownLength ? `${text.slice(0, shownLength)}…` : text }
  }
  if ('text' in value) return { text: value.text, shown: value.shown }
  const words = value.map(render)
  return { text: words.map(({ text }) => text).join(' '), shown: words.map(({ shown }) => shown).join(' ') }
}

/**
 * Shell code with its values quoted: a string, number or secret becomes one word, a list becomes its words,
 * and a script is inserted as it is.
 *
 * @example sh`chown ${owner} ${path}`
 */
export function sh(code: TemplateStringsArray, ...values: Value[]): Script {
  const rendered = values.map(render)
  return {
    text: String.raw({ raw: code }, ...rendered.map(({ text }) => text)),
    shown: String.raw({ raw: code }, ...rendered.map(({ shown }) => shown)),
  }
}

/** Several scripts as one, a line each. */
export function lines(scripts: readonly Script[]): Script {
  return {
    text: scripts.map(({ text }) => text).join('\n'),
    shown: scripts.map(({ shown }) => shown).join('\n'),
  }
}

/** The same script, shown as these words. */
export function described(words: string, { text }: Script): Script {
  return { text, shown: words }
}

/** Writes `content` to a file that nobody but its owner can read, from the first byte on. */
export function write(path: string, content: string | Secret): Script {
  const shownContent = content instanceof Secret ? content : `${Buffer.byteLength(content)} bytes`
  return {
    text: sh`rm -f -- ${path}; (umask 077; printf %s ${content} > ${path})`.text,
    shown: sh`write ${shownContent} to ${path}`.shown,
  }
}
