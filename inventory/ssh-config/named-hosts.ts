import { globSync, readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { SluiceError } from '../../engine/errors.ts'
import { OpenQuote, wordsOf } from '../words.ts'

/** As many files deep as ssh itself reads. */
const mostDeep = 16

/**
 * The hosts that a configuration of ssh calls by name in `Host` lines: no patterns. Files that it includes are read too.
 *
 * @param file instead of the user's own and the system's
 * @throws SluiceError INVENTORY_INVALID when a file cannot be read
 */
export function namedHosts(file: string | undefined): string[] {
  const own = join(userInfo().homedir, '.ssh')
  const places =
    file === undefined
      ? [
          { file: join(own, 'config'), folder: own, needed: false },
          { file: '/etc/ssh/ssh_config', folder: '/etc/ssh', needed: false },
        ]
      : [{ file, folder: own, needed: true }]
  return [...new Set(places.flatMap((place) => namesIn(place, 0)))]
}

interface Place {
  file: string
  /** What the paths of included files are relative to. */
  folder: string
  /** Whether it must be there. */
  needed: boolean
}

function namesIn({ file, folder, needed }: Place, depth: number): string[] {
  const text = contentOf(file, needed)
  return text.split(/\r?\n/).flatMap((line, index) => {
    const [, keyword = '', rest = ''] = /^([A-Za-z]+)(?:\s*=\s*|\s+)(.*)$/.exec(line.trim()) ?? []
    const values = () => valuesOf(rest, `${file}:${index + 1}`)
    if (keyword.toLowerCase() === 'host') return values().filter((value) => !/[*?!,]/.test(value))
    if (keyword.toLowerCase() !== 'include' || depth >= mostDeep) return []
    return values()
      .flatMap((pattern) => globSync(absolute(pattern, folder)).sort())
      .flatMap((included) => namesIn({ file: included, folder, needed: false }, depth + 1))
  })
}

function contentOf(file: string, needed: boolean): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (!needed && (code === 'ENOENT' || code === 'EISDIR')) return ''
    throw new SluiceError('INVENTORY_INVALID', {
      subject: 'the configuration of ssh cannot be read',
      at: file,
      why: message,
      advice:
        'name another file as sshConfig.file in sluice.config.json, or leave it out to have ~/.ssh/config',
      cause: error,
    })
  }
}

function valuesOf(text: string, at: string): string[] {
  try {
    return wordsOf(text, { comment: 'between words' })
  } catch (error) {
    if (!(error instanceof OpenQuote)) throw error
    const advice = 'close the quotation mark'
    throw new SluiceError('INVENTORY_INVALID', { subject: error.message, at, advice, cause: error })
  }
}

function absolute(path: string, folder: string): string {
  if (path.startsWith('~/')) return join(userInfo().homedir, path.slice(2))
  return isAbsolute(path) ? path : join(folder, path)
}
