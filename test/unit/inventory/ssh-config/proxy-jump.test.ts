import test from 'ava'
import fc from 'fast-check'
import { NoJump, readJumps } from '../../../../inventory/ssh-config/proxy-jump.ts'

for (const [text, jumps] of [
  ['none', []],
  ['bastion', [{ name: 'bastion' }]],
  ['ops@bastion.example.org:2222', [{ name: 'bastion.example.org', user: 'ops', port: 2222 }]],
  // ssh -G prints addresses of IPv4 in brackets too.
  ['root@[10.0.0.1]:2222', [{ name: '10.0.0.1', user: 'root', port: 2222 }]],
  ['[2001:db8::1]', [{ name: '2001:db8::1' }]],
  ['ssh://ops@bastion:2222/, inner', [{ name: 'bastion', user: 'ops', port: 2222 }, { name: 'inner' }]],
] as const) {
  test(`ProxyJump ${text} names ${jumps.length}`, (t) => {
    t.deepEqual(readJumps(text), jumps)
  })
}

for (const text of [
  '',
  'a,',
  '2001:db8::1',
  'a:',
  'a:0',
  'a:65536',
  'a b',
  '-oProxyCommand=x',
  'a@-x',
  '$(id)',
  'a;id',
  '@a',
  'ssh://',
]) {
  test(`ProxyJump "${text}" is an error that shows it`, (t) => {
    t.throws(() => readJumps(text), { instanceOf: NoJump, message: /should be user@host:port/ })
  })
}

test('whatever it says, it names hosts that no shell and no option can be made of, or is an error', (t) => {
  const signs = fc.constantFrom(
    'a',
    'b',
    '.',
    '-',
    '@',
    ':',
    ',',
    '[',
    ']',
    '1',
    '22',
    '%',
    '$',
    ' ',
    '/',
    'ssh://',
  )
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(signs).map((all) => all.join('')),
      ),
      (text) => {
        try {
          for (const { name, user = 'u', port = 1 } of readJumps(text)) {
            t.notRegex(name, /^-|[\s`'"$\\;&<>|(){}@,[\]/]|^$/)
            t.notRegex(user, /^-|[\s`'"$\\;&<>|(){}@]|^$/)
            t.true(port > 0 && port < 65_536)
          }
        } catch (error) {
          t.true(error instanceof NoJump, String(error))
        }
      },
    ),
    { numRuns: 5000 },
  )
})
