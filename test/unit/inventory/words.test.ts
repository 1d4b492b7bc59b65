import { execFileSync } from 'node:child_process'
import test from 'ava'
import fc from 'fast-check'
import { OpenQuote, wordsOf } from '../../../inventory/words.ts'

test('a comment begins where it may, and nowhere else', (t) => {
  const line = 'a#b # c'

  t.deepEqual(wordsOf(line, { comment: 'anywhere' }), ['a'])
  t.deepEqual(wordsOf(line, { comment: 'between words' }), ['a#b'])
  t.deepEqual(wordsOf(line, { comment: 'never' }), ['a#b', '#', 'c'])
})

test('quotation marks keep spaces together, and one alone is an error', (t) => {
  t.deepEqual(wordsOf(`-o "ProxyCommand=ssh -W '%h:%p' \\"b\\"" '' a\\ b`, { comment: 'never' }), [
    '-o',
    `ProxyCommand=ssh -W '%h:%p' "b"`,
    '',
    'a b',
  ])
  t.throws(() => wordsOf(`a "b`, { comment: 'never' }), { instanceOf: OpenQuote })
})

test("words are parted as Python's shlex, which Ansible uses, parts them", (t) => {
  const signs = fc.constantFrom('a', 'b', ' ', '\t', '"', "'", '\\', '#', '=', '%', 'ü')
  const lines = fc.sample(fc.array(signs, { maxLength: 12 }), { numRuns: 2000 }).map((all) => all.join(''))
  const script = `
import json, shlex, sys
def words(line, comments):
    try: return shlex.split(line, comments=comments)
    except ValueError: return None
print(json.dumps([[words(line, False), words(line, True)] for line in json.load(sys.stdin)]))`
  const said = JSON.parse(
    execFileSync('python3', ['-c', script], { input: JSON.stringify(lines), encoding: 'utf8' }),
  ) as [string[] | null, string[] | null][]
  const ours = (line: string, comment: 'never' | 'anywhere') => {
    try {
      return wordsOf(line, { comment })
    } catch (error) {
      if (error instanceof OpenQuote) return null
      throw error
    }
  }

  lines.forEach((line, index) => {
    t.deepEqual([ours(line, 'never'), ours(line, 'anywhere')], said[index], JSON.stringify(line))
  })
})
