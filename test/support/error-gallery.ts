import { readFileSync, writeFileSync } from 'node:fs'
import { hostname, userInfo } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'

const page = join(import.meta.dirname, '../../docs/error-gallery.md')

const introduction = `# Errors, as they look

Each of these was provoked: those of hosts on a real one, those of inventories, which no host takes part in, by the program
alone. A test does it again and holds this page to what it gets (\`SLUICE_GALLERY=write\` writes the page anew). Names of
folders, addresses, keys, times and process numbers are replaced. What the codes mean: [errors.md](errors.md).
`

/** What differs from run to run and from machine to machine, as it stands in the gallery. */
const replacements: [RegExp, string][] = [
  [/\/\S*sluice-cli-[A-Za-z0-9]+/g, '/home/you/project'],
  [/\/\S*\/artifacts\//g, '/home/you/.cache/sluice/artifacts/'],
  [/\b10\.77\.\d+\.(\d+)\b/g, '10.0.1.$1'],
  [/\bfd77:[0-9a-f:]*::([0-9a-f]+)\b/g, 'fd77::$1'],
  [/SHA256:[A-Za-z0-9+/]{20,}/g, 'SHA256:…'],
  [/\bprocess \d+/g, 'process 1234'],
  [/\b([0-9a-f]{8})[0-9a-f]{56}\b/g, '$1…'],
  [/\[?\d{4}-\d{2}-\d{2}[T ][\d:.,]+Z?\]?/g, '2026-01-01 12:00:00'],
  [/Expected \S{22}, but/g, 'Expected vLNKMfKGQ22v0BegYpYpdA, but'],
  [/restart counter is at \d+/g, 'restart counter is at 3'],
  [/\bafter \d+(\.\d+)? s\b/g, 'after 9 s'],
  [new RegExp(`\\b${userInfo().username}@${hostname()}`, 'g'), 'you@controller'],
  [/\b\d+ s ago\b/g, '9 s ago'],
  [/\bhas \d+ MB of memory\b/g, 'has 4096 MB of memory'],
  [/\bat most \d+ MB\b/g, 'at most 3072 MB'],
]

/** The errors at the end of what a command said, fit to be compared. */
function asInGallery(stderr: string): string {
  const lines = stderr.split('\n')
  const first = lines.findIndex((line) => /^[A-Z]+(_[A-Z]+)+ {2}|^[A-Z]+ {2}\S/.test(line))
  const text = first < 0 ? '' : lines.slice(first).join('\n').trim()
  return replacements.reduce((shown, [what, by]) => shown.replace(what, by), abridged(text.split('\n')))
}

/** Of lines that begin alike, as logs do, the first and the last: how many there are differs from run to run. */
function abridged(lines: string[]): string {
  const start = (line: string | undefined) => line?.match(/^ {7}(\S+)/)?.[1]
  return lines
    .filter((line, index) => {
      const word = start(line)
      return word === undefined || start(lines[index - 1]) !== word || start(lines[index + 1]) !== word
    })
    .join('\n')
}

const shown = new Map<string, string>()

/** Holds the gallery to an error that has just been provoked; with `logs`, to all but the lines of a log in it. */
export function showsInGallery(
  t: ExecutionContext,
  title: string,
  stderr: string,
  { logs = false }: { logs?: boolean } = {},
): void {
  const text = asInGallery(stderr)
  t.not(text, '', stderr)
  shown.set(title, `## ${title}\n\n\`\`\`\n${text}\n\`\`\`\n`)
  if (process.env.SLUICE_GALLERY === 'write') return
  const entry = readFileSync(page, 'utf8')
    .split(/^(?=## )/m)
    .find((section) => section.startsWith(`## ${title}\n`))
  const compared = (section = '') =>
    (logs ? section.replace(/^ {2}why {2}[\s\S]*?(?=^ {2}do )/m, '') : section).trim()
  t.is(compared(entry), compared(shown.get(title)))
}

/** Writes the page where that is asked for. */
export function writeGallery(): void {
  if (process.env.SLUICE_GALLERY === 'write')
    writeFileSync(page, [introduction, ...shown.values()].join('\n'))
}
