import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import test from 'ava'
import fc from 'fast-check'
import * as v from 'valibot'
import { describeError, SluiceError } from '../../../engine/errors.ts'
import { file } from '../../../engine/resources/file.ts'
import { parseWith } from '../../../engine/schemas.ts'
import { masked, maskedDeep, Secret } from '../../../engine/secret.ts'
import { SecretVariable } from '../../../engine/secret-variable.ts'
import { quote, sh } from '../../../engine/shell.ts'
import { scratch } from '../../support/resources.ts'

const canary = 'c4nary/Se<ret+"w0rd"=='
const secret = new Secret(canary)

test('a secret prints as three stars, however it is printed', (t) => {
  t.is(`${secret} ${JSON.stringify({ secret })} ${inspect(secret)}`, '*** {"secret":"***"} ***')
  t.is(sh`echo ${secret}`.shown, 'echo ***')
})

for (const [form, text] of [
  ['as it is', canary],
  ['in JSON', JSON.stringify({ said: `it is ${canary}.` })],
  ['quoted for a shell', quote(`it's ${canary}`)],
  ['URL-encoded', encodeURIComponent(`?token=${canary}&`)],
  ...[0, 1, 2].map((offset) => [
    `in base64 after ${offset} bytes`,
    Buffer.from(`${'x'.repeat(offset)}${canary}yz`).toString('base64'),
  ]),
  ['in base64 for URLs', Buffer.from(canary).toString('base64url')],
] as const) {
  test(`a text is masked where it has a secret ${form}`, (t) => {
    const shown = masked(text ?? '')

    t.true(shown.includes('***'), shown)
    for (const piece of ['c4nary', 'w0rd', Buffer.from(canary).toString('base64').slice(4, 16)])
      t.false(shown.includes(piece), shown)
  })
}

test('whatever a secret is, and whatever stands around it, masking leaves none of it', (t) => {
  fc.assert(
    fc.property(
      fc.string({ minLength: 8, maxLength: 40 }).filter((text) => text.trim().length >= 6),
      fc.string({ maxLength: 5 }),
      (value, around) => {
        new Secret(value)
        const shown = masked(`${around}${value}${around}`)
        return shown.includes('***') && !shown.includes(value.trim())
      },
    ),
    { numRuns: 200 },
  )
  t.pass()
})

test('each line of a secret of several lines is one', (t) => {
  new Secret('-----BEGIN KEY-----\nAAAAC3NzaC1l\n-----END KEY-----\n')

  t.is(masked('ssh says: AAAAC3NzaC1l'), 'ssh says: ***')
})

test('texts without a secret stay as they are, and so does the shape of what contains them', (t) => {
  const error = new SluiceError('STEP_FAILED', { subject: 'plain' })
  const event = { type: 'x', list: ['a', 1, undefined, null], error, nested: { said: `has ${canary}` } }

  t.deepEqual(maskedDeep(event), { ...event, nested: { said: 'has ***' } })
  t.is(maskedDeep(event).error, error)
})

test('an error that repeats what a command printed does not repeat secrets', (t) => {
  const error = new SluiceError('STEP_FAILED', {
    subject: `exit code 1 ${canary}`,
    at: `vm1 > ${canary}`,
    why: `curl: bad token ${encodeURIComponent(canary)}`,
    advice: `look at ${canary}`,
  }).within('vm1')

  t.notRegex(describeError(error) + JSON.stringify(error) + inspect(error), /c4nary/)
})

const parse = (input: unknown) =>
  parseWith(
    v.strictObject({ token: SecretVariable }),
    { token: input },
    {
      code: 'VARIABLE_INVALID',
      place: 'vm1 > role',
      advice: 'correct it',
    },
  ).token.reveal()

test.serial('a variable names the environment or a private file, from which the secret is read', (t) => {
  const path = join(scratch(), 'token')
  writeFileSync(path, `${canary}\n`, { mode: 0o600 })
  process.env.SLUICE_TEST_TOKEN = canary

  t.is(parse({ fromFile: path }), canary)
  t.is(parse({ fromEnvironment: 'SLUICE_TEST_TOKEN' }), canary)
  delete process.env.SLUICE_TEST_TOKEN
})

test('a secret that is not where it should be, or lies open, is an error that does not tell it', (t) => {
  const path = join(scratch(), 'open')
  writeFileSync(path, 'other-secret-value')
  chmodSync(path, 0o644)
  const said = (input: unknown) => t.throws(() => parse(input), { instanceOf: SluiceError })?.subject ?? ''

  t.regex(said({ fromFile: path }), /token should be in a file that only its owner reads \(chmod 600 /)
  t.regex(said({ fromFile: '/nonexistent/file' }), /\/nonexistent\/file, which cannot be read \(ENOENT\)/)
  t.regex(
    said({ fromEnvironment: 'SLUICE_NOT_SET' }),
    /in the environment as SLUICE_NOT_SET, which is not set/,
  )
  t.regex(said('my-plain-password'), /should say where the secret is: \{ fromEnvironment: NAME \}/)
  t.notRegex(said('my-plain-password'), /my-plain/)
})

test('a role cannot put a secret into a file that others can read', (t) => {
  t.throws(() => file({ path: '/etc/token', content: secret }), { message: /others cannot read: mode 0600/ })
  t.notThrows(() => file({ path: '/etc/token', content: secret, mode: '0640' }))
})
