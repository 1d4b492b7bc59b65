import test from 'ava'
import fc from 'fast-check'
import { ArgumentRefused, readSshArguments } from '../../../../inventory/ansible/ssh-arguments.ts'

const door = { name: 'door.example.org', user: 'ops', port: 2222 }

for (const text of [
  '-o ProxyJump=ops@door.example.org:2222',
  '-oProxyJump=ops@door.example.org:2222',
  '-o "ProxyJump ops@door.example.org:2222"',
  "-o 'proxyjump = ops@door.example.org:2222'",
  '-J ops@door.example.org:2222',
  '-Jssh://ops@door.example.org:2222',
  `-o ProxyCommand="ssh -W %h:%p -p 2222 ops@door.example.org"`,
  `-o ProxyCommand='ssh -W "[%h]:%p" -l ops -p2222 -q door.example.org'`,
  `-oProxyCommand="/usr/bin/ssh -o Port=2222 -qW %h:%p ops@door.example.org"`,
  `-o 'ProxyCommand="exec ssh ops@door.example.org -p 2222 -W %h:%p"'`,
]) {
  test(`${text} goes through a host`, (t) => {
    t.deepEqual(readSshArguments(text).jumps, [door])
  })
}

test('several hosts are gone through in order, and a jump has a key of its own where one is said', (t) => {
  t.deepEqual(readSshArguments('-J a,b@c:1').jumps, [{ name: 'a' }, { name: 'c', user: 'b', port: 1 }])
  t.deepEqual(readSshArguments(`-o ProxyCommand="ssh -J a -i ~/.ssh/k -W %h:%p b"`).jumps, [
    { name: 'a' },
    { name: 'b', identityFile: '~/.ssh/k' },
  ])
})

test('of several that say the same, the first counts, and none is none', (t) => {
  t.deepEqual(readSshArguments('-J a -o ProxyJump=b -l c -o User=d -o Port=1 -p 2 -i e -o IdentityFile=f'), {
    jumps: [{ name: 'a' }],
    user: 'c',
    port: 1,
    identityFile: 'e',
    leftOut: [],
  })
  t.deepEqual(readSshArguments('-o ProxyJump=none').jumps, [])
  t.deepEqual(readSshArguments('-o ProxyCommand=none').jumps, [])
  t.deepEqual(readSshArguments(''), { leftOut: [] })
})

test('what Sluice has its own way for is left out, as it was written', (t) => {
  const { leftOut, ...rest } = readSshArguments(
    '-C -qv -o ControlMaster=auto -o ControlPersist=60s -o StrictHostKeyChecking=no -S none -4',
  )

  t.deepEqual(rest, {})
  t.deepEqual(leftOut, [
    '-C',
    '-q',
    '-v',
    '-o ControlMaster=auto',
    '-o ControlPersist=60s',
    '-o StrictHostKeyChecking=no',
    '-S none',
    '-4',
  ])
})

for (const [text, message] of [
  ['-o PKCS11Provider=/lib/x.so', /-o PKCS11Provider=\/lib\/x\.so is not understood/],
  ['-o HostKeyAlias=x', /-o HostKeyAlias=x is not understood/],
  ['-F other', /-F other is not understood/],
  ['-D 1080', /-D 1080 is not understood/],
  ['-o', /-o needs a value/],
  ['-Z', /ssh has no option -Z/],
  ['--', /"--" is no option of ssh/],
  ['host', /"host" is no option of ssh/],
  ['-p ssh', /the port should be from 1 to 65535, got "ssh"/],
  ['-J a:b:c', /ProxyJump should be user@host:port .*, got "a:b:c"/],
  ['-o "ProxyJump=a', /a quotation mark has no other/],
  [
    '-o ProxyCommand="nc %h %p"',
    /ProxyCommand should be ssh -W %h:%p .* or be written as ProxyJump, got "nc %h %p"/,
  ],
  ['-o ProxyCommand="ssh bastion nc %h %p"', /or be written as ProxyJump/],
  ['-o ProxyCommand="ssh -W %h:%p a b"', /with a host, one, got/],
  ['-o ProxyCommand="ssh -W %h:%p -F x a"', /-F x is not understood/],
  ['-o ProxyCommand="ssh -W %h:%p $(a)"', /with a host, which should be user@host:port/],
] as const) {
  test(`${text} is refused`, (t) => {
    t.throws(() => readSshArguments(text), { instanceOf: ArgumentRefused, message })
  })
}

test('whatever it says, it is read or refused', (t) => {
  const parts = fc.constantFrom(
    ...[
      '-o',
      '-J',
      '-W',
      '-p',
      '-q',
      'ProxyJump=',
      'ProxyCommand=',
      'ssh',
      '%h:%p',
      'a@b',
      ':22',
      ' ',
      '"',
      "'",
      '\\',
    ],
  )
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(parts).map((all) => all.join('')),
    fc.array(parts).map((all) => all.join(' ')),
  )
  fc.assert(
    fc.property(text, (written) => {
      try {
        t.true(Array.isArray(readSshArguments(written).leftOut))
      } catch (error) {
        t.true(error instanceof ArgumentRefused, String(error))
      }
    }),
    { numRuns: 5000 },
  )
})
