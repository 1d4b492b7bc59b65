import { execFileSync } from 'node:child_process'
import test from 'ava'
import fc from 'fast-check'
import { NoAnswer, readAnswer } from '../../../../inventory/ssh-config/answer.ts'

/** What the ssh of this machine prints, with nothing configured. */
const real = execFileSync('ssh', ['-G', '-F', 'none', '-l', 'ops', '-p', '2222', '--', 'door'], {
  encoding: 'utf8',
  stdio: 'pipe',
})

test('what the ssh of this machine prints is read', (t) => {
  const { hostname, user, port, identityfile, proxyjump } = readAnswer(real)

  t.deepEqual([hostname, user, port, proxyjump], ['door', 'ops', 2222, undefined])
  t.true(identityfile.includes('~/.ssh/id_ed25519'))
})

test('values keep their spaces, and keywords are told apart in small and large letters alike', (t) => {
  const { proxycommand, identityfile } = readAnswer(
    'HostName a\nuser u\nport 22\nproxyCommand nc -x "a b"  %h %p\nidentityfile ~/a b\nidentityfile c\nlog\n',
  )

  t.is(proxycommand, 'nc -x "a b"  %h %p')
  t.deepEqual(identityfile, ['~/a b', 'c'])
})

for (const [title, text, message] of [
  ['nothing', '', /hostname/],
  ['no port', 'hostname a\nuser b\n', /port/],
  ['a port that is none', 'hostname a\nuser b\nport 0\n', /port/],
  ['a port that is no number', 'hostname a\nuser b\nport ssh\n', /port should be a number, got "ssh"/],
  ['a host name without a value', 'hostname\nuser b\nport 22\n', /hostname should not be empty/],
  ['two users', 'hostname a\nuser b\nuser c\nport 22\n', /user should be said once/],
  [
    'a line that is no setting',
    'hostname a\n/etc/ssh: line 3\n',
    /keyword and its value, got "\/etc\/ssh: line 3"/,
  ],
] as const) {
  test(`${title} is no answer of ssh`, (t) => {
    t.throws(() => readAnswer(text), { instanceOf: NoAnswer, message })
  })
}

test('whatever is printed, it is read or it is no answer', (t) => {
  const words = fc.constantFrom(
    'hostname',
    'user',
    'port',
    'identityfile',
    'proxyjump',
    '22',
    'a',
    '__proto__',
    '',
  )
  const line = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(words).map((all) => all.join(' ')),
  )
  fc.assert(
    fc.property(fc.array(line), fc.nat(real.length), fc.boolean(), (lines, at, inside) => {
      const noise = lines.join('\n')
      const text = inside ? `${real.slice(0, at)}${noise}${real.slice(at)}` : noise
      try {
        const { hostname, port } = readAnswer(text)
        t.true(hostname !== '' && port > 0 && port < 65_536)
      } catch (error) {
        t.true(error instanceof NoAnswer, String(error))
      }
    }),
    { numRuns: 2000 },
  )
})
