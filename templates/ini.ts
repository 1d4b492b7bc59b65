/** `key=value` lines, as Java properties and zoo.cfg have them; what is undefined is left out. */
export function properties(values: Record<string, string | number | boolean | undefined>): string {
  return Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')
}
