import { stripVTControlCharacters, styleText } from 'node:util'

/** A stream that text is shown on. */
export type Screen = Pick<NodeJS.WriteStream, 'on' | 'write' | 'isTTY' | 'columns' | 'rows'>

export type Paint = (style: Parameters<typeof styleText>[0], text: string) => string

/** Colours for a stream that shows them: on a terminal, unless NO_COLOR is set. */
export function painter(screen: Screen): Paint {
  return (style, text) => styleText(style, text, { stream: screen as NodeJS.WriteStream })
}

/** Text from elsewhere with everything taken out that a terminal would obey. */
export function printable(text: string): string {
  return stripVTControlCharacters(text).replaceAll(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach the terminal.
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
}

/** Cuts a line without colours to this many columns. */
export function cut(line: string, columns: number): string {
  return line.length <= columns ? line : `${line.slice(0, Math.max(0, columns - 1))}…`
}
