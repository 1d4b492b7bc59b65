/**
 * An environment file for systemd: one `NAME="value"` a line.
 *
 * @throws TypeError for a value with a line break, which such a file cannot hold
 */
export function environmentFile(values: Record<string, string | number | undefined>): string {
  return Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => {
      const text = String(value)
      if (/[\r\n]/.test(text)) throw new TypeError(`${name}: an environment file cannot hold a line break`)
      return `${name}="${text.replaceAll(/["\\$`]/g, '\\$&')}"\n`
    })
    .join('')
}
