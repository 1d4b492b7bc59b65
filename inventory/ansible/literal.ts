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

const digits = String.raw`\d(?:_?\d)*`
const exponent = `[eE][-+]?${digits}`
const whole = '0[xX](?:_?[0-9a-fA-F])+|0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0(?:_?0)*|[1-9](?:_?\\d)*'
const float = `(?:${digits})?\\.${digits}(?:${exponent})?|${digits}\\.(?:${exponent})?|${digits}${exponent}`
const amountPattern = new RegExp(`(?:${float}|${whole})(?![\\w.])`, 'y')

const quotedPattern =
  /[uUrR]?(?:'''(?:[^\\]|\\.)*?'''|"""(?:[^\\]|\\.)*?"""|'(?!'')(?:[^'\\\n]|\\.)*'|"(?!"")(?:[^"\\\n]|\\.)*")/y

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
    if (!this.#next(',')) {
      this.#end()
      return value
    }
    // Several values need no brackets.
    const values = [value]
    while (!this.#ends()) {
      values.push(this.#value())
      if (!this.#next(',')) break
    }
    this.#end()
    return values
  }

  #end(): void {
    if (!this.#ends()) throw new NoLiteral()
  }

  #ends(): boolean {
    this.#skip(/\s*(?:#.*)?/y)
    return this.#at === this.#text.length
  }

  #value(): unknown {
    this.#skip(/\s*/y)
    const first = this.#text[this.#at]
    if (first === '[') return this.#items(']')
    if (first === '(') return this.#items(')')
    if (first === '{') return this.#mapping()
    const quoted = this.#quoted()
    if (quoted !== undefined) return quoted
    const word = this.#take(/True|False|None/y)
    if (word !== undefined) return words[word]
    return this.#number()
  }

  /** The amount alone may stand in round brackets: `-(7)` is -7, but `-(-7)` is no literal. */
  #number(): number {
    const sign = this.#take(/[-+]/y)
    let brackets = 0
    while (this.#next('(')) brackets++
    this.#skip(/\s*/y)
    const amount = this.#take(amountPattern)?.replaceAll('_', '')
    if (amount === undefined) throw new NoLiteral()
    for (; brackets > 0; brackets--) this.#expect(')')
    const value = Number(/^0+$/.test(amount) ? '0' : amount)
    if (!Number.isFinite(value)) throw new NoLiteral()
    // Only numbers with a point have a zero of their own below zero.
    return sign === '-' && (value !== 0 || /[.e]/i.test(amount)) ? -value : value
  }

  #items(end: string): unknown {
    this.#at++
    const items: unknown[] = []
    while (!this.#next(end)) {
      items.push(this.#value())
      if (!this.#next(',')) {
        this.#expect(end)
        // One value in round brackets is that value.
        return end === ')' && items.length === 1 ? items[0] : items
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

  /** One text, or several side by side, which are one. */
  #quoted(): string | undefined {
    let whole: string | undefined
    for (;;) {
      const part = this.#take(quotedPattern)
      if (part === undefined) return whole
      const text = part.replace(/^[uUrR]?('''|"""|'|")(.*)\1$/s, '$2')
      const plain = /^[rR]/.test(part)
        ? text
        : text.replaceAll(/\\(.)/g, (all, escaped: string) => escapes[escaped] ?? all)
      whole = (whole ?? '') + plain
      this.#skip(/\s*/y)
    }
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
