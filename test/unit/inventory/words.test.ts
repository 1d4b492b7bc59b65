import test from 'ava'
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
