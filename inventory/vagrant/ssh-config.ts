import * as v from 'valibot'
import { SluiceError } from '../../engine/errors.ts'
import { AccountName, parseWith } from '../../engine/schemas.ts'

/** How Vagrant gets in to a machine. */
const Entry = v.strictObject({
  host: v.pipe(v.string(), v.regex(/^[^\s*?!,"]+$/, 'should be the name of one machine')),
  hostname: v.pipe(v.string(), v.nonEmpty('should not be empty')),
  user: AccountName,
  port: v.pipe(
    v.string(),
    v.regex(/^\d{1,5}$/, 'should be a port'),
    v.transform(Number),
    v.minValue(1, 'should be a port'),
    v.maxValue(65_535, 'should be a port'),
  ),
  identityFiles: v.array(v.pipe(v.string(), v.nonEmpty('should not be empty'))),
  /** What nobody but OpenSSH itself can heed, as it is written. */
  proxycommand: v.optional(v.string()),
  include: v.optional(v.string()),
})
export type Entry = v.InferOutput<typeof Entry>

/** What Vagrant also writes and what does not change where a machine is: our own rules for keys are stricter. */
const unheeded = new Set([
  'userknownhostsfile',
  'stricthostkeychecking',
  'passwordauthentication',
  'identitiesonly',
  'preferredauthentications',
  'loglevel',
  'forwardagent',
  'forwardx11',
  'sendenv',
  'pubkeyacceptedkeytypes',
  'pubkeyacceptedalgorithms',
  'hostkeyalgorithms',
])
const heeded = new Set(['hostname', 'user', 'port', 'proxycommand', 'include'])

/** To its end: a command with quotes of its own. */
const wholeLine = new Set(['proxycommand'])

const place = 'vagrant ssh-config'
const advice = 'see what vagrant ssh-config prints in .sluice/vagrant; Vagrant 1.9 and later are known'

/**
 * What `vagrant ssh-config` prints, by machine. Nothing in it is passed over that could change where a machine is.
 *
 * @throws SluiceError PROGRAM_FAILED with the line that is not as expected
 */
export function parseSshConfig(text: string): Map<string, Entry> {
  const blocks: (Record<string, string | string[]> & { identityFiles: string[] })[] = []
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(#.*)?$/.test(line)) continue
    const [, keyword = '', value = ''] = /^\s*([A-Za-z0-9]+)(?:\s*=\s*|\s+)(.*\S)\s*$/.exec(line) ?? []
    const name = keyword.toLowerCase()
    const block = blocks.at(-1)
    if (name === 'host') {
      blocks.push({ host: value, identityFiles: [] })
    } else if (keyword === '' || block === undefined) {
      throw wrong(
        index,
        line,
        block === undefined ? 'a Host before everything else' : 'a keyword and its value',
      )
    } else if (name === 'identityfile') {
      block.identityFiles.push(unquoted(value, index, line))
    } else if (heeded.has(name)) {
      if (block[name] !== undefined) throw wrong(index, line, `${keyword} once for each Host`)
      block[name] = wholeLine.has(name) ? value : unquoted(value, index, line)
    } else if (!unheeded.has(name)) {
      throw wrong(index, line, 'a keyword that Vagrant is known to write')
    }
  }
  const entries = blocks.map((block) => parseWith(Entry, block, { code: 'PROGRAM_FAILED', place, advice }))
  const names = entries.map(({ host }) => host)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice === undefined) return new Map(entries.map((entry) => [entry.host, entry]))
  throw new SluiceError('PROGRAM_FAILED', { subject: `there are two machines ${twice}`, at: place, advice })
}

/** Vagrant puts a path in quotes when there is a space in it (before 2.0: always), and escapes nothing. */
function unquoted(value: string, index: number, line: string): string {
  const [, inner] = /^"([^"]*)"$/.exec(value) ?? []
  if (inner !== undefined) return inner
  if (!/[\s"]/.test(value)) return value
  throw wrong(index, line, 'one value, in quotes where there is a space in it')
}

function wrong(index: number, line: string, expected: string): SluiceError {
  return new SluiceError('PROGRAM_FAILED', {
    subject: `line ${index + 1} should be ${expected}, got ${JSON.stringify(line.slice(0, 120))}`,
    at: place,
    advice,
  })
}
