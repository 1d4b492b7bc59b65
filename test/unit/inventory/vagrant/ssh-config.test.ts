import test from 'ava'
import fc from 'fast-check'
import { SluiceError } from '../../../../engine/errors.ts'
import { parseSshConfig } from '../../../../inventory/vagrant/ssh-config.ts'

/** As the template of Vagrant 1.9.8 writes it for VirtualBox: a path with a space in quotes. Values are our own. */
const release19 = `Host default
  HostName 127.0.0.1
  User vagrant
  Port 2222
  UserKnownHostsFile /dev/null
  StrictHostKeyChecking no
  PasswordAuthentication no
  IdentityFile "/Users/A User/shop/.vagrant/machines/default/virtualbox/private_key"
  IdentitiesOnly yes
  LogLevel FATAL

`

/** The first machine as Vagrant 2.3.4 of Debian 12 printed it with vagrant-libvirt 0.11.2 (in another folder), and a second. */
const release234 = `Host vm1
  HostName 192.168.121.170
  User vagrant
  Port 22
  UserKnownHostsFile /dev/null
  StrictHostKeyChecking no
  PasswordAuthentication no
  IdentityFile /home/user/shop/.sluice/vagrant/.vagrant/machines/vm1/libvirt/private_key
  IdentitiesOnly yes
  LogLevel FATAL

Host vm2
  HostName 192.168.121.203
  User vagrant
  Port 22
  UserKnownHostsFile /dev/null
  StrictHostKeyChecking no
  PasswordAuthentication no
  IdentityFile /home/user/shop/.sluice/vagrant/.vagrant/machines/vm2/libvirt/private_key
  IdentitiesOnly yes
  LogLevel FATAL

`

/** As the template of 2.3.7 and 2.4.9 writes it, with everything that it can have; two keys before the first login. */
const release24 = `Host vm1
  Include /home/user/.ssh/shop.conf
  HostName hypervisor.example
  User deploy
  Port 2200
  PasswordAuthentication no
  IdentityFile /home/user/.vagrant.d/insecure_private_keys/vagrant.key.ed25519
  IdentityFile /home/user/.vagrant.d/insecure_private_keys/vagrant.key.rsa
  IdentitiesOnly yes
  LogLevel FATAL
  ForwardAgent yes
  ForwardX11 yes
  ProxyCommand ssh -W "%h:%p" -o StrictHostKeyChecking=no root@hypervisor.example
  PubkeyAcceptedKeyTypes +ssh-rsa
  HostKeyAlgorithms +ssh-rsa

`

test('a path in quotes is the path without them', (t) => {
  t.deepEqual(
    [...parseSshConfig(release19)],
    [
      [
        'default',
        {
          host: 'default',
          hostname: '127.0.0.1',
          user: 'vagrant',
          port: 2222,
          identityFiles: ['/Users/A User/shop/.vagrant/machines/default/virtualbox/private_key'],
        },
      ],
    ],
  )
})

test('several machines are read in their order', (t) => {
  const entries = [...parseSshConfig(release234).values()]

  t.deepEqual(
    entries.map(({ host, hostname, port }) => [host, hostname, port]),
    [
      ['vm1', '192.168.121.170', 22],
      ['vm2', '192.168.121.203', 22],
    ],
  )
})

test('several keys, an included file and a proxy command with quotes are kept as they are', (t) => {
  t.deepEqual(parseSshConfig(release24).get('vm1'), {
    host: 'vm1',
    hostname: 'hypervisor.example',
    user: 'deploy',
    port: 2200,
    identityFiles: [
      '/home/user/.vagrant.d/insecure_private_keys/vagrant.key.ed25519',
      '/home/user/.vagrant.d/insecure_private_keys/vagrant.key.rsa',
    ],
    include: '/home/user/.ssh/shop.conf',
    proxycommand: 'ssh -W "%h:%p" -o StrictHostKeyChecking=no root@hypervisor.example',
  })
})

test('lines of Windows are read like others', (t) => {
  t.deepEqual(parseSshConfig(release234.replaceAll('\n', '\r\n')), parseSshConfig(release234))
})

const host = (lines: string) => `Host vm1\n  HostName 192.0.2.1\n  User vagrant\n  Port 22\n${lines}`

for (const [title, text, subject] of [
  [
    'a keyword that Vagrant does not write',
    host('  ProxyJump bastion\n'),
    /^line 5 should be a keyword that Vagrant is known/,
  ],
  ['a second port', host('  Port 23\n'), /^line 5 should be Port once for each Host/],
  ['a line before the first Host', '  User vagrant\n', /^line 1 should be a Host before everything else/],
  [
    'a message instead of a configuration',
    'The machine is not running.\n',
    /^line 1 should be a Host before/,
  ],
  [
    'a path with a space and no quotes',
    host('  IdentityFile /a b\n'),
    /^line 5 should be one value, in quotes/,
  ],
  ['a quote that is not closed', host('  IdentityFile "/a\n'), /^line 5 should be one value/],
  ['a keyword without a value', host('  LogLevel\n'), /^line 5 should be a keyword and its value/],
  [
    'a Host for several machines',
    'Host vm*\n  HostName a\n  User b\n  Port 1\n',
    /^host should be the name of one machine/,
  ],
  ['a port that is none', host('').replace('Port 22', 'Port 70000'), /^port should be a port/],
  ['a machine without a user', 'Host a\n  HostName b\n  Port 1\n', /^user is missing/],
  [
    'a user that no account can have',
    host('').replace('User vagrant', 'User a\\b'),
    /^user should be an account name/,
  ],
  ['a machine twice', `${host('')}\n${host('')}`, /^there are two machines vm1/],
] as const) {
  test(`${title} is an error that says so`, (t) => {
    const error = t.throws(() => parseSshConfig(text), { instanceOf: SluiceError })

    t.is(error.code, 'PROGRAM_FAILED')
    t.regex(error.subject, subject)
  })
}

test('what is written by the rules of Vagrant is read as it was meant', (t) => {
  const word = fc.stringMatching(/^[\w./+-]{1,12}$/)
  const path = fc.array(word, { minLength: 1, maxLength: 3 }).map((words) => `/${words.join(' ')}`)
  const entry = fc.record({
    hostname: word,
    user: fc.stringMatching(/^[a-z_][a-z0-9_-]{0,8}$/),
    port: fc.integer({ min: 1, max: 65_535 }),
    identityFiles: fc.array(path, { maxLength: 3 }),
    proxycommand: fc.option(fc.stringMatching(/^[a-z]( ?[\w%:"=-]){1,20}$/), { nil: undefined }),
  })
  const all = fc.dictionary(fc.stringMatching(/^[a-zA-Z0-9][\w.-]{0,8}$/), entry, { noNullPrototype: true })
  const written = ([name, { hostname, user, port, identityFiles, proxycommand }]: [
    string,
    typeof entry extends fc.Arbitrary<infer Value> ? Value : never,
  ]) =>
    [
      `Host ${name}`,
      `  HostName ${hostname}`,
      `  User ${user}`,
      `  Port ${port}`,
      ...identityFiles.map((file) => `  IdentityFile ${file.includes(' ') ? `"${file}"` : file}`),
      '  LogLevel FATAL',
      ...(proxycommand === undefined ? [] : [`  ProxyCommand ${proxycommand}`]),
      '',
    ].join('\n')
  fc.assert(
    fc.property(all, (machines) => {
      const read = parseSshConfig(Object.entries(machines).map(written).join('\n'))
      const meant = Object.entries(machines).map(([name, { proxycommand, ...rest }]) => [
        name,
        { host: name, ...rest, ...(proxycommand !== undefined && { proxycommand }) },
      ])
      t.deepEqual([...read], meant as never)
    }),
  )
})

test('whatever is printed, it is read or is an error for users', (t) => {
  const altered = fc
    .tuple(fc.constantFrom(release19, release234, release24), fc.nat(900), fc.string({ maxLength: 6 }))
    .map(([text, at, inserted]) => text.slice(0, at) + inserted + text.slice(at))
  fc.assert(
    fc.property(fc.oneof(fc.string(), altered), (text) => {
      try {
        for (const { port, hostname } of parseSshConfig(text).values()) t.true(port > 0 && hostname !== '')
      } catch (error) {
        t.true(error instanceof SluiceError)
      }
    }),
  )
})
