import test from 'ava'
import type { Host } from '../../../../engine/inventory.ts'
import { unreachable } from '../../../../engine/transport/errors.ts'

const host: Host = {
  ...{ name: 'vm1', address: 'vm1.example.org', port: 22, user: 'admin', hostKeys: [] },
  ...{ privateAddresses: [], groups: [], variables: {} },
}

// What Node, ssh2 and OpenSSH say.
const cases: [string, string][] = [
  ['getaddrinfo ENOTFOUND vm1.example.org', 'vm1.example.org is a name without an address'],
  [
    'ssh: Could not resolve hostname vm1.example.org: Name or service not known',
    'vm1.example.org is a name without an address',
  ],
  ['connect ECONNREFUSED 192.0.2.1:22', 'vm1.example.org:22 refused the connection'],
  [
    'ssh: connect to host vm1.example.org port 22: Connection refused',
    'vm1.example.org:22 refused the connection',
  ],
  ['Connection lost before handshake', 'vm1.example.org:22 ended the connection before SSH began'],
  [
    'kex_exchange_identification: Connection closed by remote host',
    'vm1.example.org:22 ended the connection before SSH began',
  ],
  [
    'kex_exchange_identification: read: Connection reset by peer',
    'vm1.example.org:22 ended the connection before SSH began',
  ],
  ['Timed out while waiting for handshake', 'vm1.example.org:22 did not answer by SSH within 10 s'],
  ['connect EHOSTUNREACH 192.0.2.1:22', 'vm1.example.org:22 did not answer by SSH within 10 s'],
]

for (const [why, subject] of cases) {
  test(`"${why}" is told as what it is`, (t) => {
    const error = unreachable(host, why, 10_000)

    t.is(error.subject, subject)
    t.is(error.why, why)
    t.regex(error.advice ?? '', /^check /)
  })
}
