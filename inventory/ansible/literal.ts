/**
 * A value of an INI inventory: what is a literal of Python is that, everything else is text as it stands.
 */
export function literalOf(text: string): unknown {
  const reader = new LiteralReader(text)
  try {
    return reader.whole()
  } catch (error) {
    if (error instanceof NoLiteral) return text
    throw error
  }
}

class NoLiteral extends Error {}

const words: Record<string, unknown> = { True: true, False: false, None: null }
const escapes: Record<string, string> = { n: '\n', t: '\t', r: '\r', '\\': '\\', "'": "'", '"': '"' }

class LiteralReader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  whole(): unknown {
    const value = this.#value()
    this.#skip(/\s*(?:#.*)?/y)
    if (this.#at < this.#text.length) throw new NoLiteral()
    return value
  }

  #value(): unknown {
    this.#skip(/\s*/y)
    const first = this.#text[this.#at]
    if (first === '[') return this.#items(']')
    if (first === '(') return this.#items(')')
    if (first === '{') return this.#mapping()
    if (first === '"' || first === "'") return this.#quoted()
    const word = this.#take(/True|False|None/y)
    if (word !== undefined) return words[word]
    const number = this.#take(/[-+]?(?:0|[1-9]\d*)(?:\.\d*)?(?:[eE][-+]?\d+)?(?![\w.])|[-+]?\.\d+(?![\w.])/y)
    if (number === undefined || !Number.isFinite(Number(number))) throw new NoLiteral()
    return Number(number)
  }

  #items(end: string): unknown[] {
    this.#at++
    const items: unknown[] = []
    while (!this.#next(end)) {
      items.push(this.#value())
      if (!this.#next(',')) {
        this.#expect(end)
        // One value in round brackets is that value.
        if (end === ')' && items.length === 1) throw new NoLiteral()
        return items
      }
    }
    return items
  }

  #mapping(): Record<string, unknown> {
    this.#at++
    const entries: [string, unknown][] = []
    while (!this.#next('}')) {
      const key = this.#value()
      this.#expect(':')
      entries.push([String(key), this.#value()])
      if (!this.#next(',')) {
        this.#expect('}')
        break
      }
    }
    return Object.fromEntries(entries)
  }

  #quoted(): string {
    const quoted = this.#take(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/y)
    if (quoted === undefined) throw new NoLiteral()
    return quoted.slice(1, -1).replaceAll(/\\(.)/g, (all, escaped: string) => escapes[escaped] ?? all)
  }

  #next(sign: string): boolean {
    this.#skip(/\s*/y)
    if (this.#text[this.#at] !== sign) return false
    this.#at++
    return true
  }

  #expect(sign: string): void {
    if (!this.#next(sign)) throw new NoLiteral()
  }

  #skip(pattern: RegExp): void {
    this.#take(pattern)
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const match = pattern.exec(this.#text)
    if (match === null) return undefined
    this.#at += match[0].length
    return match[0]
  }
}
