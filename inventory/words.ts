/** Why a text has no words: a quotation mark is not closed. */
export class OpenQuote extends Error {}

const comments = {
  /** A `#` is a letter as any other. */
  never: /(?!)/,
  /** A `#` that begins a word begins a comment. */
  'between words': /(?<![^\s])#.*/,
  /** Every `#` that is not quoted begins a comment. */
  anywhere: /#.*/,
}

/**
 * The words of a line as a POSIX shell would part them.
 *
 * @throws OpenQuote
 */
export function wordsOf(line: string, { comment }: { comment: keyof typeof comments }): string[] {
  const words: string[] = []
  const part = new RegExp(
    `\\s+|(${comments[comment].source})|'([^']*)'|"((?:[^"\\\\]|\\\\.)*)"|\\\\(.)|([^\\s#'"\\\\]+|#)`,
    'y',
  )
  let word: string | undefined
  while (part.lastIndex < line.length) {
    const match = part.exec(line)
    if (match === null) throw new OpenQuote('a quotation mark has no other')
    const [, remark, single, double, escaped, plain] = match
    const text = single ?? double?.replaceAll(/\\(["\\])/g, '$1') ?? escaped ?? plain
    if (text !== undefined) {
      word = (word ?? '') + text
    } else {
      if (word !== undefined) words.push(word)
      word = undefined
      if (remark !== undefined) break
    }
  }
  return word === undefined ? words : [...words, word]
}
