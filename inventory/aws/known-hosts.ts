import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** One line of a known-hosts file. Comments, markers and what is no record have no key. */
export interface KnownLine {
  text: string
  /** Addresses, as `[address]:port` where the port is not 22. */
  names: string[]
  key: string | undefined
  /** By which instance the key was shown. */
  note: string
}

/** The project's own, where host keys are kept that were seen once. */
export const knownHostsFile = (projectDirectory: string): string =>
  join(projectDirectory, '.sluice', 'known_hosts')

export function knownLine(text: string): KnownLine {
  const [names = '', kind = '', base64 = '', note = ''] = text.trim().split(/\s+/)
  if (base64 === '' || /^[#@]/.test(names)) return { text, names: [], key: undefined, note: '' }
  return { text, names: names.split(','), key: `${kind} ${base64}`, note }
}

export async function readKnownLines(file: string): Promise<KnownLine[]> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
  return text === '' ? [] : text.replace(/\n$/, '').split('\n').map(knownLine)
}

/** Who reads the file meanwhile finds the old lines or the new ones. */
export async function writeKnownLines(file: string, lines: readonly KnownLine[]): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  const staged = `${file}.${process.pid}`
  await writeFile(staged, lines.map(({ text }) => `${text}\n`).join(''), { mode: 0o600 })
  await rename(staged, file)
}
