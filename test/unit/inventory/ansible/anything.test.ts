import test from 'ava'
import fc from 'fast-check'
import { SluiceError } from '../../../../engine/errors.ts'
import { readAnsible } from '../../../../inventory/ansible/sources.ts'
import { parseYaml } from '../../../../inventory/ansible/yaml-text.ts'

const iniParts = fc.constantFrom(
  ...[
    '[g]',
    '[g:children]',
    '[g:vars]',
    '[',
    ']',
    ':',
    '=',
    'h[1:3]',
    'h[a:c:2]',
    'h1',
    ' ',
    '\n',
    '#',
    ';',
    '"',
    "'",
  ],
  ...['a=1', "b='x y'", '[1, 2]', "{'k': 1}", '[2001:db8::1]:22', ':2222', 'ü', '\\', '\t', '\r\n'],
)
const yamlParts = fc.constantFrom(
  ...[
    'all:',
    'g:',
    'hosts:',
    'children:',
    'vars:',
    'h[1:3]:',
    '\n',
    '\n  ',
    '\n    ',
    ' ',
    '-',
    '{',
    '}',
    '[',
    ']',
  ],
  ...[
    '&a',
    '*a',
    '*b',
    '<<:',
    '!vault',
    '!x',
    '|',
    '"',
    "'",
    '1',
    'yes',
    '~',
    ': ',
    ', ',
    '# c',
    '---',
    '...',
    '\t',
    '%',
  ],
)
const joined = (parts: fc.Arbitrary<string>) => fc.array(parts, { maxLength: 20 }).map((all) => all.join(''))

/** Groups as they may be written, and with anything in the place of every part. */
const { groups } = fc.letrec<{ groups: unknown; group: unknown }>((tie) => {
  const names = fc.constantFrom(
    'all',
    'ungrouped',
    'g',
    'h',
    'h[1:2]',
    'h[b:a]',
    'h:22',
    '',
    '__proto__',
    'ü',
  )
  const mapping = (value: fc.Arbitrary<unknown>) =>
    fc.oneof({ weight: 4, arbitrary: fc.dictionary(names, value, { maxKeys: 3 }) }, fc.jsonValue())
  const variables = mapping(fc.jsonValue())
  return {
    groups: mapping(tie('group')),
    group: fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record(
          { hosts: mapping(variables), vars: variables, children: tie('groups') },
          { requiredKeys: [] },
        ),
      },
      fc.jsonValue(),
    ),
  }
})
const written = groups.map((content) => JSON.stringify(content))

for (const [name, parts] of [
  ['hosts', joined(iniParts)],
  ['hosts.yaml', joined(yamlParts)],
  ['hosts.json', written],
] as const) {
  test(`whatever stands in ${name}, it is an inventory, none of Ansible, or an error with its place`, (t) => {
    const text = fc.oneof({ weight: 3, arbitrary: parts }, fc.string({ unit: 'binary' }))
    fc.assert(
      fc.property(text, (content) => {
        try {
          const model = readAnsible(name, content)
          t.pass()
          const loops = model?.loop() !== undefined
          if (!loops) for (const host of model?.hosts.keys() ?? []) t.truthy(model?.variablesOf(host))
        } catch (error) {
          t.true(error instanceof SluiceError && error.code === 'INVENTORY_INVALID', String(error))
          t.true((error as SluiceError).at?.startsWith(name), String((error as SluiceError).at))
        }
      }),
      { numRuns: 4000 },
    )
  })
}

test('an alias of what is nowhere is a mistake of the text', (t) => {
  t.regex(parseYaml('a: *b').mistake ?? '', /alias/i)
})
