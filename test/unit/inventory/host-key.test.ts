import test from 'ava'
import fc from 'fast-check'
import { SluiceError } from '../../../engine/errors.ts'
import { publicHostKey } from '../../../inventory/host-key.ts'
import { hostKey } from './multipass/stand-in.ts'

test('a key is taken without its comment, also from a terminal’s lines', (t) => {
  t.is(publicHostKey(`${hostKey} root@vm1\n`, 'vm1'), hostKey)
  t.is(publicHostKey(`${hostKey}\r\n`, 'vm1'), hostKey)
})

for (const [title, text] of [
  ['no output', ''],
  ['two keys', `${hostKey}\n${hostKey}\n`],
  ['a banner before the key', `Welcome\n${hostKey}\n`],
  ['another kind of key', hostKey.replace('ssh-ed25519 ', 'ssh-rsa ')],
  ['a key that is cut off', hostKey.slice(0, -4)],
  ['a key whose base64 has a stray letter', hostKey.replace('AAAA', 'AA*A')],
] as const) {
  test(`${title} is refused with what was got`, (t) => {
    const error = t.throws(() => publicHostKey(text, 'multipass exec vm1'), { instanceOf: SluiceError })

    t.is(error.code, 'HOST_KEY_UNKNOWN')
    t.is(error.at, 'multipass exec vm1')
  })
}

test('nothing but a whole key is ever taken', (t) => {
  const altered = fc
    .tuple(fc.nat(hostKey.length - 1), fc.string({ maxLength: 2 }))
    .map(([at, text]) => hostKey.slice(0, at) + text + hostKey.slice(at + 1))
  fc.assert(
    fc.property(fc.oneof(fc.string(), altered), (text) => {
      try {
        t.regex(publicHostKey(text, 'vm1'), /^ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI[\w+/]{43}$/)
      } catch (error) {
        t.true(error instanceof SluiceError)
      }
    }),
  )
})
