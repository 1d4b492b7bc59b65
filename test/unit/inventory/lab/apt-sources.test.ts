import test from 'ava'
import { releaseSources, renderSources } from '../../../../inventory/lab/apt-sources.ts'

const stanzas = `# the machine's own mirror
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/security
# a comment within
Suites:
 bookworm-security
Components: main

Types: deb
Enabled: no
URIs: http://mirror.example/off
Suites: bookworm
Components: main
`

test('the repositories of a release are found in stanzas', (t) => {
  t.deepEqual(releaseSources([{ path: 'debian.sources', content: stanzas }], 'bookworm'), [
    {
      uris: ['http://mirror.example/debian'],
      suites: ['bookworm', 'bookworm-updates'],
      components: ['main', 'contrib'],
      signedBy: '/usr/share/keyrings/debian-archive-keyring.gpg',
    },
    { uris: ['http://mirror.example/security'], suites: ['bookworm-security'], components: ['main'] },
  ])
})

test('the repositories of a release are found in one-line form, with their options', (t) => {
  const content = [
    'deb [arch=amd64 signed-by=/etc/apt/keyrings/own.gpg] https://mirror.example/debian bookworm main # ours',
    '# deb http://mirror.example/debian bookworm-updates main',
    'deb-src http://mirror.example/debian bookworm main',
  ].join('\n')
  t.deepEqual(releaseSources([{ path: 'sources.list', content }], 'bookworm'), [
    {
      uris: ['https://mirror.example/debian'],
      suites: ['bookworm'],
      components: ['main'],
      signedBy: '/etc/apt/keyrings/own.gpg',
    },
  ])
})

test('sources of other vendors and other releases are left out', (t) => {
  const content = [
    'deb https://vendor.example/linux/debian bookworm stable',
    'deb https://vendor.example/node nodistro main',
    'deb http://mirror.example/debian trixie main',
  ].join('\n')
  t.deepEqual(releaseSources([{ path: 'vendor.list', content }], 'bookworm'), [])
})

test('a repository that is written down twice is there once', (t) => {
  const line = 'deb http://mirror.example/debian bookworm main\n'
  const files = [
    { path: 'sources.list', content: line },
    { path: 'again.list', content: line },
  ]
  t.is(releaseSources(files, 'bookworm').length, 1)
})

test('rendered sources read back as the same', (t) => {
  const sources = releaseSources([{ path: 'debian.sources', content: stanzas }], 'bookworm')
  t.deepEqual(
    releaseSources([{ path: 'other.sources', content: renderSources(sources) }], 'bookworm'),
    sources,
  )
})

test('a key that is written into the stanza itself is kept', (t) => {
  const content = `Types: deb
URIs: http://mirror.example/debian
Suites: bookworm
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQINBF
 -----END PGP PUBLIC KEY BLOCK-----
`
  const sources = releaseSources([{ path: 'own.sources', content }], 'bookworm')
  t.regex(renderSources(sources), /Signed-By: ?\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n \.\n mQINBF\n/)
})
