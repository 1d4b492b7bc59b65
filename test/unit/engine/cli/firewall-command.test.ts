import test from 'ava'
import { differencesIn } from '../../../../engine/cli/firewall-command.ts'
import { projectFolder, sluice } from '../../../support/cli.ts'
import { documentsIn } from '../../../support/json-documents.ts'

const rules = [
  {
    ...{ from: '10.0.1.12/32', protocol: 'tcp' as const, port: 9092 },
    comment: 'sg_processor to sg_kafka',
    at: 'the security group kafka (sg-1)',
  },
  { from: 'fd00::/64', protocol: 'icmpv6' as const, type: '128', comment: 'admin to all' },
]

test('what a host lacks is said with who it is for and where it is written, what it has too much as that', (t) => {
  const changes = [
    { property: 'DEFAULT_INPUT_POLICY', have: 'ACCEPT', want: 'DROP' },
    { property: 'rule allow tcp 9092 from 10.0.1.12', have: undefined, want: 'present' },
    { property: 'rule allow icmpv6 128 from fd00::/64', have: 'stored only', want: 'in force' },
    { property: 'rule deny tcp 22 from anywhere (IPv4)', have: 'present', want: undefined },
    { property: 'table :INPUT DROP', have: undefined, want: 'in force' },
  ]

  t.deepEqual(
    differencesIn(changes, rules).map(({ kind, what, why }) => [kind, what, why]),
    [
      ['setting', 'DEFAULT_INPUT_POLICY', 'is ACCEPT, should be DROP'],
      [
        'missing',
        'allow tcp 9092 from 10.0.1.12',
        'sg_processor to sg_kafka, the security group kafka (sg-1)',
      ],
      ['missing', 'allow icmpv6 128 from fd00::/64', 'admin to all; it is stored only'],
      ['surplus', 'deny tcp 22 from anywhere (IPv4)', 'no rule of the policy says so'],
      ['setting', 'table :INPUT DROP', 'is not there, should be in force'],
    ],
  )
})

test('a comparison with hosts that cannot be reached ends with the exit code of a failure and says so in JSON', async (t) => {
  const folder = projectFolder(t, {
    'hosts.yaml': `
groups: { kafka: }
policy: { admin: [0.0.0.0/0], rules: [{ from: [admin], to: all, port: 22 }] }
hosts:
  vm1: { address: 127.0.0.1, port: 9, groups: [kafka], identityFile: key }
`,
  })

  const { exitCode, stdout } = await sluice(folder, ['firewall', 'diff', '-i', 'hosts.yaml', '--json'])

  t.is(exitCode, 1)
  const [host, finding, end] = documentsIn(stdout)
  t.like(host, { type: 'firewall-host', host: 'vm1', rules: 1, differences: [] })
  t.is(host?.type === 'firewall-host' && typeof host.error?.code, 'string')
  t.deepEqual(finding, {
    type: 'firewall-finding',
    finding: 'every host lets 0.0.0.0/0 reach 22/tcp; the pipeline needs admin there',
  })
  t.like(end, { type: 'firewall-ended', status: 'failed', missing: 0 })
})

test('hosts that cannot be compared for the same reason are named together', async (t) => {
  const folder = projectFolder(t, {
    'hosts.yaml': `
groups: { kafka: }
policy: { admin: [10.0.0.1/32], rules: [{ from: [admin], to: all, port: 22 }] }
hosts:
  vm1: { address: 127.0.0.1, port: 9, groups: [kafka], identityFile: key }
  vm2: { address: 127.0.0.2, port: 9, groups: [kafka], identityFile: key }
`,
  })

  const { exitCode, stdout } = await sluice(folder, ['firewall', 'diff', '-i', 'hosts.yaml'])

  t.is(exitCode, 1)
  t.regex(
    stdout,
    /^vm1 {2}not compared\nvm2 {2}not compared\n\nKEY_UNUSABLE {2}the private key .* cannot be read\n {2}at {3}vm1, vm2$/m,
  )
  t.is(stdout.match(/KEY_UNUSABLE/g)?.length, 1)
})
