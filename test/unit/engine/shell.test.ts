import { execFileSync } from 'node:child_process'
import test from 'ava'
import fc from 'fast-check'
import { Secret } from '../../../engine/secret.ts'
import { lines, quote, sh } from '../../../engine/shell.ts'

const echo = (words: string) => execFileSync('/bin/sh', ['-c', `printf '%s\\0' ${words}`]).toString()

test('whatever text is quoted reaches a command as one word, unchanged', (t) => {
  const hostile = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      "'",
      '"',
      '$(reboot)',
      '`id`',
      '-rf',
      'a\nb',
      '\\',
      '* ?',
      '~root',
      '',
      ' ',
      "'\\''",
      '#!',
      'ä→🜁',
    ),
  )
  const words = fc.array(
    hostile.filter((text) => !text.includes('\0') && text.isWellFormed()),
    { maxLength: 6 },
  )
  fc.assert(
    fc.property(words, (texts) => {
      if (texts.length === 0) return true
      return echo(texts.map(quote).join(' ')) === texts.map((text) => `${text}\0`).join('')
    }),
    { numRuns: 150 },
  )
  t.pass()
})

test('a word with NUL in it is refused, since no shell could pass it on', (t) => {
  t.throws(() => quote('a\0b'), { instanceOf: TypeError, message: /NUL/ })
})

test('a list becomes its words and a script is inserted as it is', (t) => {
  const inner = sh`stat -- ${'a b'}`

  t.is(sh`${inner}; rm ${['x', "it's"]} ${7}`.text, "stat -- 'a b'; rm x 'it'\\''s' 7")
  t.is(lines([inner, inner]).text, "stat -- 'a b'\nstat -- 'a b'")
})

test('a secret reaches the command and is never shown', (t) => {
  const secret = new Secret('hunter 2')
  const script = sh`login ${secret}`

  t.is(script.text, "login 'hunter 2'")
  t.is(script.shown, 'login ***')
  t.is(`${secret} ${JSON.stringify({ secret })}`, '*** {"secret":"***"}')
})
