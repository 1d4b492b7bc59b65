import { execFileSync } from 'node:child_process'
import test from 'ava'
import fc from 'fast-check'
import { SluiceError } from '../../../engine/errors.ts'
import { readConfigurationText } from '../../../inventory/ansible/configuration-text.ts'
import { literalOf } from '../../../inventory/ansible/literal.ts'
import { OpenQuote, wordsOf } from '../../../inventory/words.ts'
import { draw, saySeed } from './drawing.ts'

/** What Python makes of each of these texts. */
function said(expression: string, texts: string[]): unknown[] {
  const script = `
import ast, configparser, json, shlex, sys, warnings
warnings.simplefilter('ignore')
def words(text, comments):
    try: return shlex.split(text, comments=comments)
    except ValueError: return None
def literal(text):
    try: return {'value': plain(ast.literal_eval(text))}
    except (ValueError, SyntaxError): return {'value': text}
    except Unsaid: return None
    except (TypeError, RecursionError, MemoryError): return None
class Unsaid(Exception): pass
def settings(text):
    parser = configparser.ConfigParser(inline_comment_prefixes=(';',))
    try: parser.read_string(text)
    except configparser.Error: return None
    return {name: {key: parser.get(name, key, raw=True) for key in parser[name]} for name in parser.sections()}
def plain(value):
    if isinstance(value, (list, tuple)): return [plain(each) for each in value]
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value): raise Unsaid()
        return {key: plain(each) for key, each in value.items()}
    if value is None or isinstance(value, (bool, str)): return value
    if isinstance(value, (int, float)) and abs(value) < 2**53: return value
    raise Unsaid()
print(json.dumps([${expression} for text in json.load(sys.stdin)]))`
  return JSON.parse(
    execFileSync('python3', ['-c', script], {
      input: JSON.stringify(texts),
      encoding: 'utf8',
      maxBuffer: 2 ** 26,
    }),
  )
}

function sample(parts: string[], count: number): string[] {
  const texts = fc.array(fc.constantFrom(...parts), { maxLength: 9 }).map((all) => all.join(''))
  return draw(texts, count)
}

/** Texts that are literals of Python, or nearly. */
function nearLiterals(count: number): string[] {
  const { value } = fc.letrec<{ value: string }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom(
        '7',
        '0',
        '00',
        '1_0',
        '1.',
        '.5',
        '1e3',
        '0x1f',
        'True',
        'None',
        "'a'",
        '"b"',
        "'a' 'b'",
        'a',
      ),
      fc
        .tuple(fc.constantFrom('-', '+', '- ', '(', '-(', '[', '{1:', ' '), tie('value'))
        .map(([start, inner]) => {
          const ends: Record<string, string> = { '(': ')', '-(': ')', '[': ']', '{1:': '}' }
          return start + inner + (ends[start] ?? '')
        }),
      fc
        .tuple(fc.constantFrom('()', '[]', '(,)', '[,]'), fc.array(tie('value'), { maxLength: 3 }))
        .map(([ends, items]) => ends[0] + items.join(', ') + ends.slice(1)),
      fc
        .array(fc.tuple(fc.constantFrom("'k'", '"l"', '1', 'k'), tie('value')), { maxLength: 2 })
        .map((entries) => `{${entries.map((entry) => entry.join(': ')).join(',')}}`),
    ),
  }))
  return draw(value, count)
}

test("words are parted as Python's shlex, which Ansible uses, parts them", (t) => {
  saySeed(t)
  const lines = sample(['a', 'b', ' ', '\t', '"', "'", '\\', '#', '=', '%', 'ü'], 3000)
  const ours = (line: string, comment: 'never' | 'anywhere') => {
    try {
      return wordsOf(line, { comment })
    } catch (error) {
      if (error instanceof OpenQuote) return null
      throw error
    }
  }

  const theirs = said('[words(text, False), words(text, True)]', lines)

  for (const [index, line] of lines.entries()) {
    t.deepEqual([ours(line, 'never'), ours(line, 'anywhere')], theirs[index], JSON.stringify(line))
  }
})

test('a value of an INI inventory is what it is for Python, or text', (t) => {
  saySeed(t)
  const texts = sample(
    [
      ...[
        '[',
        ']',
        '(',
        ')',
        '{',
        '}',
        ',',
        ':',
        ' ',
        '"',
        "'",
        'a',
        'True',
        'None',
        '0',
        '1',
        '7',
        '.',
        '_',
        '-',
        '+',
      ],
      ...['e', 'x', '0b1', '0xf', '1.5', '# c', '"a"', "'b'", "{'k': 1}", '[1, 2]', '\\n', '\\\\'],
    ],
    6000,
  )
    .concat(nearLiterals(3000))
    .filter((text) => text === text.trim())

  const theirs = said('literal(text)', texts)

  for (const [index, text] of texts.entries()) {
    const said = theirs[index] as { value: unknown } | null
    // What JSON cannot carry is not compared.
    if (said !== null) t.deepEqual(literalOf(text), said.value, JSON.stringify(text))
  }
})

test("configurations are read as Python's configparser, which Ansible uses, reads them", (t) => {
  saySeed(t)
  const lines = [
    '[a]',
    '[b]',
    '[DEFAULT]',
    '[a] x',
    'k=1',
    'K = 2',
    ' l: 3',
    'm =',
    'x',
    '  y',
    '=z',
    '',
    ' ',
  ]
  const comments = ['# c', '; c', 'n = 1 ; c', 'o = 1;c', ' ; c', 'p = 1 # c', '[c] ; c', '\tq = "1"']
  const line = fc.constantFrom(...lines, ...comments)
  const texts = draw(
    fc
      .array(line, { maxLength: 8 })
      .map((all) => ['[a]', ...all].slice(all.length % 5 === 0 ? 1 : 0).join('\n')),
    5000,
  )
  const ours = (text: string) => {
    try {
      const found = [...readConfigurationText('ansible.cfg', text)]
      return Object.fromEntries(found.map(([name, settings]) => [name, Object.fromEntries(settings)]))
    } catch (error) {
      if (error instanceof SluiceError) return null
      throw error
    }
  }

  const theirs = said('settings(text)', texts)

  t.deepEqual(
    texts
      .map((text) => ({ text, settings: ours(text) }))
      .filter(
        ({ settings }, index) => JSON.stringify(sorted(settings)) !== JSON.stringify(sorted(theirs[index])),
      ),
    [],
  )
  t.true(theirs.filter((each) => each !== null).length > 500)
})

/** The order of settings is of no account. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, each]): [string, unknown] => [key, sorted(each)])
  return entries.sort(([left], [right]) => (left < right ? -1 : 1))
}
