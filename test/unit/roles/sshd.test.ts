import { createRequire } from 'node:module'
import test from 'ava'
import * as v from 'valibot'
import { sshd } from '../../../roles/sshd.ts'
import { controllerAlgorithms } from '../../../templates/sshd-algorithms.ts'
import { pipelineContext } from '../../support/role-context.ts'

const systems = [
  ['debian', '12'],
  ['ubuntu', '22.04'],
  ['ubuntu', '24.04'],
] as const

function dropIn(variables: unknown, context = pipelineContext('vm1')): string {
  const resource = sshd.resources(variables, context).find(({ kind }) => kind === 'sshd')
  return resource?.diff(undefined).find(({ property }) => property === 'content')?.text?.want ?? ''
}

test("what is believed of the controller's SSH client is what it says", (t) => {
  const Lists = v.object({
    DEFAULT_KEX: v.array(v.string()),
    DEFAULT_CIPHER: v.array(v.string()),
    DEFAULT_MAC: v.array(v.string()),
    DEFAULT_SERVER_HOST_KEY: v.array(v.string()),
  })
  const said = v.parse(Lists, createRequire(import.meta.url)('ssh2/lib/protocol/constants.js'))

  t.deepEqual(controllerAlgorithms.kex.toSorted(), said.DEFAULT_KEX.toSorted())
  t.deepEqual(controllerAlgorithms.ciphers.toSorted(), said.DEFAULT_CIPHER.toSorted())
  t.deepEqual(controllerAlgorithms.macs.toSorted(), said.DEFAULT_MAC.toSorted())
  t.deepEqual(controllerAlgorithms.hostKeys.toSorted(), said.DEFAULT_SERVER_HOST_KEY.toSorted())
})

for (const [distribution, release] of systems) {
  test(`on ${distribution} ${release} only keys open the door, and the controller can speak the algorithms`, (t) => {
    const content = dropIn({}, pipelineContext('vm1', { facts: { distribution, release } }))

    t.regex(content, /^AuthenticationMethods publickey$/m)
    t.regex(content, /^PasswordAuthentication no$/m)
    t.regex(content, /^KexAlgorithms .*curve25519-sha256/m)
    t.is(/^RequiredRSASize/m.test(content), release !== '22.04')
    t.is(/^KexAlgorithms sntrup761x25519-sha512,/m.test(content), distribution === 'debian')
  })
}

test("forwarding leads to the host's own services and nowhere else", (t) => {
  t.regex(dropIn({}), /^PermitOpen 127\.0\.0\.1:9092 10\.0\.1\.10:9092 \[fd00::10\]:9092$/m)
  t.regex(dropIn({}, pipelineContext('vm4')), /^PermitOpen none$/m)
  const withPort = (port?: string) =>
    pipelineContext('vm1', { rules: [{ from: ['admin'], to: 'kafka', protocol: 'tcp', port }] })
  t.regex(dropIn({}, withPort('9092:9093')), /^PermitOpen 127\.0\.0\.1:9092 10\.0\.1\.10:9092 .*:9093$/m)
  t.regex(dropIn({}, withPort()), /^PermitOpen 127\.0\.0\.1:\* 10\.0\.1\.10:\* \[fd00::10\]:\*$/m)
  t.regex(dropIn({ permitOpen: ['10.9.9.9:22'] }, pipelineContext('vm4')), /^PermitOpen 10\.9\.9\.9:22$/m)
})

test('a host that others are reached through stays open to them, and to each only as far as it is the next', (t) => {
  const way = { user: 'admin', hostKeys: [], privateAddresses: [], groups: [], variables: {} }
  const bastion = { ...way, name: 'vm4', address: '10.0.1.13', port: 22 }
  const outer = { ...way, name: 'outer', address: '192.0.2.50', port: 2222 }
  const behind = (jump: object) => pipelineContext('vm4', { others: { jump: jump as never } })

  t.regex(dropIn({}, behind(bastion)), /^PermitOpen 10\.0\.1\.10:22 10\.0\.1\.11:22 10\.0\.1\.12:22$/m)
  t.regex(dropIn({}, behind({ ...bastion, jump: outer })), /^PermitOpen 10\.0\.1\.10:22 10\.0\.1\.11:22/m)
  t.regex(dropIn({}, behind({ ...outer, jump: bastion })), /^PermitOpen 192\.0\.2\.50:2222$/m)
  t.regex(dropIn({}, behind(outer)), /^PermitOpen none$/m)
})

test('root may log in only where the inventory logs in as root, and then by key', (t) => {
  t.regex(dropIn({}), /^PermitRootLogin no$/m)
  t.regex(
    dropIn({}, pipelineContext('vm1', { host: { user: 'root' } })),
    /^PermitRootLogin prohibit-password$/m,
  )
})

test("a port is taken over by the guard only where the controller sees the host's own port", (t) => {
  const rules = [22, 2222].map((port) => ({ from: ['admin'], to: 'all', port, protocol: 'tcp' as const }))
  const guarded = (port: number) =>
    sshd
      .resources({ port: 2222 }, pipelineContext('vm1', { rules, host: { port } }))
      .find(({ kind }) => kind === 'sshd')?.guard?.sshPort

  t.is(guarded(22), 2222)
  t.is(guarded(2201), undefined)
})

const refusals: [string, unknown, ReturnType<typeof pipelineContext>, RegExp][] = [
  ['accounts without the login user', { allowUsers: ['bob'] }, pipelineContext('vm1'), /leaves out admin/],
  [
    'key exchanges that the controller cannot speak',
    { kex: ['sntrup761x25519-sha512'] },
    pipelineContext('vm1'),
    /sshd\.kex has none/,
  ],
  [
    'MACs that the controller cannot speak',
    { macs: ['umac-128@openssh.com'] },
    pipelineContext('vm1'),
    /sshd\.macs/,
  ],
  [
    'a host key that is not shown any more',
    {},
    pipelineContext('vm1', { host: { hostKeys: ['ecdsa-sha2-nistp256 AAAA'] } }),
    /ecdsa-sha2-nistp256/,
  ],
  ['a port that the policy keeps shut', { port: 2222 }, pipelineContext('vm1'), /sshd\.port is 2222/],
]
for (const [name, variables, context, message] of refusals) {
  test(`${name}: refused before anything is changed`, (t) => {
    t.throws(() => sshd.resources(variables, context), { message })
    t.throws(() => sshd.resources(variables, context), { message: /^LOCKOUT_PREVENTED/ })
  })
}
