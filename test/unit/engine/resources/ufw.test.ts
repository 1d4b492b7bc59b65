import test from 'ava'
import fc from 'fast-check'
import { ufw } from '../../../../engine/resources/ufw.ts'
import { canonicalNetwork } from '../../../../engine/resources/ufw-network.ts'
import {
  parseLive,
  parseStored,
  ruleName,
  rulesFile,
  type UfwRule,
} from '../../../../engine/resources/ufw-rules.ts'

const kafka: UfwRule = { from: '10.0.1.12', port: 9092, protocol: 'tcp', comment: 'processor to kafka' }
const kafka6: UfwRule = { from: 'fd00::12', port: 9092, protocol: 'tcp' }
const ssh: UfwRule = { from: '192.0.2.0/24', port: 22, protocol: 'tcp' }

const frame = (prefix: string) => [
  ':INPUT DROP [0:0]',
  ':FORWARD DROP [1:2]',
  ':OUTPUT ACCEPT [30:4]',
  `-A INPUT -j ${prefix}-before-input`,
  `-A ${prefix}-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`,
  `-A ${prefix}-before-input -j ${prefix}-user-input`,
]

/** What the probe prints for a host that has these rules in its files and in the kernel. */
function firewallOutput(stored: UfwRule[], live = stored, settings: Record<string, string> = {}): string[] {
  const ipv6 = ({ from }: UfwRule) => from.includes(':')
  const liveLine = (rule: UfwRule) => {
    const length = ipv6(rule) ? 128 : 32
    const from = rule.from.includes('/') ? rule.from : `${rule.from}/${length}`
    return `-A ${ipv6(rule) ? 'ufw6' : 'ufw'}-user-input -s ${from} -p tcp -m tcp --dport ${rule.port} -j ACCEPT`
  }
  const all = {
    IPV6: 'yes',
    DEFAULT_INPUT_POLICY: 'DROP',
    DEFAULT_OUTPUT_POLICY: 'ACCEPT',
    DEFAULT_FORWARD_POLICY: 'DROP',
    ENABLED: 'yes',
    'at boot': 'enabled',
    mark: 'ours',
    ...settings,
  }
  return [
    ...Object.entries(all).map(([name, value]) => `${name}=${value}`),
    'part ipv4',
    ...rulesFile(false, stored, undefined).split('\n'),
    'part ipv6',
    ...rulesFile(true, stored, undefined).split('\n'),
    'part live ipv4',
    ...frame('ufw'),
    ...live.filter((rule) => !ipv6(rule)).map(liveLine),
    'part live ipv6',
    ...frame('ufw6'),
    ...live.filter(ipv6).map(liveLine),
    'part end',
  ]
}

function changes(rules: UfwRule[], output: string[]) {
  const resource = ufw({ rules })
  if (!('script' in resource.probe)) throw new TypeError('ufw is read on the host')
  return resource.diff(resource.probe.parse(output))
}

test("what is written is what is read back, and ufw's own rules of other kinds have names of their own", (t) => {
  const file = rulesFile(false, [kafka, kafka6, ssh], undefined)
  const others = file.replace(
    '### END RULES ###',
    [
      '### tuple ### deny tcp 8080 0.0.0.0/0 any 0.0.0.0/0 in',
      '-A ufw-user-input -p tcp --dport 8080 -j DROP',
      '',
      '### tuple ### limit tcp 22 0.0.0.0/0 any 0.0.0.0/0 OpenSSH - in',
      '-A ufw-user-input -p tcp --dport 22 -j ufw-user-limit-accept',
      '',
      '-A ufw-user-input -j ACCEPT',
      '',
      '### END RULES ###',
    ].join('\n'),
  )

  t.deepEqual(parseStored(file.split('\n')).names, [ruleName(kafka), ruleName(ssh)])
  t.deepEqual(parseStored(others.split('\n')).names.slice(2), [
    'deny tcp 8080 from anywhere (IPv4)',
    'limit tcp 22 from anywhere OpenSSH (IPv4)',
    '-A ufw-user-input -j ACCEPT',
  ])
})

test('a tuple whose line says something else is no rule of the policy', (t) => {
  const file = rulesFile(false, [kafka], undefined).replace('-s 10.0.1.12 -j', '-j')

  t.notDeepEqual(parseStored(file.split('\n')).names, [ruleName(kafka)])
  t.is(
    changes(
      [kafka],
      firewallOutput([kafka]).map((line) => line.replace('-s 10.0.1.12 -j', '-j')),
    ).length,
    2,
  )
})

test('a firewall as declared is no change, in whichever order its rules are', (t) => {
  t.deepEqual(changes([kafka, kafka6, ssh], firewallOutput([kafka, kafka6, ssh])), [])
  t.deepEqual(changes([ssh, kafka6, kafka], firewallOutput([kafka, kafka6, ssh])), [])
  t.deepEqual(changes([{ ...ssh, from: '192.0.2.77/24' }], firewallOutput([ssh])), [])
})

test('a missing rule is added and a surplus one removed, each by its name', (t) => {
  t.deepEqual(changes([kafka, ssh], firewallOutput([kafka6, ssh])), [
    { property: 'rule allow tcp 9092 from 10.0.1.12', have: undefined, want: 'present' },
    { property: 'rule allow tcp 9092 from fd00::12', have: 'present', want: undefined },
  ])
})

test('what the kernel has counts besides what the files say', (t) => {
  t.deepEqual(changes([kafka, ssh], firewallOutput([kafka, ssh], [kafka, kafka6])), [
    { property: 'rule allow tcp 22 from 192.0.2.0/24', have: 'stored only', want: 'in force' },
    { property: 'rule allow tcp 9092 from fd00::12', have: 'in force, not stored', want: undefined },
  ])
  const open = firewallOutput([ssh]).map((line) => line.replace(':INPUT DROP', ':INPUT ACCEPT'))
  t.is(changes([ssh], open)[0]?.property, 'table :INPUT DROP')
})

test('a default that lets in, a firewall that is off, and one that stays off at boot are changes', (t) => {
  const settings = { DEFAULT_INPUT_POLICY: 'ACCEPT', ENABLED: 'no', 'at boot': '' }

  t.deepEqual(
    changes([ssh], firewallOutput([ssh], [ssh], settings)).map(({ property }) => property),
    ['DEFAULT_INPUT_POLICY', 'ENABLED', 'at boot'],
  )
})

test('a host without ufw has nothing yet', (t) => {
  t.is(changes([ssh], []).length, 7)
})

test('a kernel without IPv6 has no table of it to compare', (t) => {
  const output = firewallOutput([ssh, kafka6], [ssh])
  const without = [...output.slice(0, output.indexOf('part live ipv6')), 'part end']

  t.deepEqual(changes([ssh, kafka6], without), [])
})

test('rules of anywhere are told apart by family', (t) => {
  const lines = ['-A ufw-user-input -p tcp -m tcp --dport 80 -j ACCEPT', '-A ufw-user-input -p tcp -j ACCEPT']

  t.deepEqual(parseLive(lines, false).names, ['allow tcp 80 from anywhere (IPv4)', lines[1]])
})

test('a network has one form, however it was written', (t) => {
  const forms: [string, string][] = [
    ['10.0.1.77/24', '10.0.1.0/24'],
    ['10.0.1.77/32', '10.0.1.77'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['FD00:0:0:0:0:0:0:0010', 'fd00::10'],
    ['fd00::10/128', 'fd00::10'],
    ['2001:db8:ffff::1/33', '2001:db8:8000::/33'],
    ['::/0', '::/0'],
    ['::1', '::1'],
  ]
  for (const [written, form] of forms) t.is(canonicalNetwork(written), form)
})

test('the form of a network is its own form', (t) => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), fc.integer({ min: 0, max: 32 }), (address, length) => {
      const form = canonicalNetwork(`${address}/${length}`)
      return canonicalNetwork(form) === form
    }),
  )
  t.pass()
})
