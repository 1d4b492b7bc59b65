import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import fc from 'fast-check'
import { ufw } from '../../../../engine/resources/ufw.ts'
import { icmpLines, icmpRules, stageIcmp, withIcmpOfAll } from '../../../../engine/resources/ufw-icmp.ts'
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

const everyKind: UfwRule[] = [
  { from: '10.0.1.12', port: '8000:8100', protocol: 'tcp' },
  { from: '::/0', port: '8000:8100', protocol: 'udp' },
  { from: '10.0.1.12', protocol: 'tcp' },
  { from: '0.0.0.0/0', protocol: 'udp' },
  { from: 'fd00::/64', protocol: 'all' },
  { from: '0.0.0.0/0', protocol: 'all' },
  { from: '10.0.1.12', protocol: 'esp' },
  { from: 'fd00::12', protocol: 'gre' },
  { from: '10.0.0.0/8', protocol: 'icmp', type: '8' },
  { from: '0.0.0.0/0', protocol: 'icmp', type: '3/4' },
  { from: '10.0.1.12', protocol: 'icmp' },
  { from: 'fd00::/64', protocol: 'icmpv6', type: '128' },
  { from: '::/0', protocol: 'icmpv6' },
]

/** What the probe prints for a host that has these rules in its files and in the kernel. */
function firewallOutput(stored: UfwRule[], live = stored, settings: Record<string, string> = {}): string[] {
  const ipv6 = ({ from }: UfwRule) => from.includes(':')
  /** As the kernel says rules: the source first and with its length, and each extension by its name. */
  const liveLine = ({ from, protocol, port, type }: UfwRule) => {
    const family = from.includes(':')
    const network = from.includes('/') ? from : `${from}/${family ? 128 : 32}`
    const source = network.endsWith('/0') ? '' : ` -s ${network}`
    const icmp = protocol === 'icmp' || protocol === 'icmpv6'
    const name = protocol === 'icmpv6' ? 'ipv6-icmp' : protocol
    const kind =
      type === undefined ? '' : family ? ` -m icmp6 --icmpv6-type ${type}` : ` -m icmp --icmp-type ${type}`
    const extension = String(port).includes(':')
      ? ` -m multiport --dports ${port}`
      : ` -m ${protocol} --dport ${port}`
    const traffic =
      protocol === 'all' ? '' : ` -p ${name}${icmp ? kind : port === undefined ? '' : extension}`
    return `-A ${family ? 'ufw6' : 'ufw'}-${icmp ? 'before' : 'user'}-input${source}${traffic} -j ACCEPT`
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
    'part icmp',
    ...icmpLines(false, stored),
    'part icmpv6',
    '-A ufw6-before-input -p icmpv6 --icmpv6-type neighbor-solicitation -m hl --hl-eq 255 -j ACCEPT',
    '-A ufw6-before-input -p icmpv6 --icmpv6-type 130 -s fe80::/10 -j ACCEPT',
    ...icmpLines(true, stored),
    'part live ipv4',
    ...frame('ufw'),
    ...live.filter((rule) => !ipv6(rule)).map(liveLine),
    'part live ipv6',
    ...frame('ufw6'),
    '-A ufw6-before-input -p ipv6-icmp -m icmp6 --icmpv6-type 135 -m hl --hl-eq 255 -j ACCEPT',
    '-A ufw6-before-input -s fe80::/10 -p ipv6-icmp -m icmp6 --icmpv6-type 130 -j ACCEPT',
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

test('rules of every kind are read back as they were written, from the files and from the kernel', (t) => {
  const all = withIcmpOfAll(everyKind)
  t.deepEqual(changes(everyKind, firewallOutput(all)), [])
  for (const rule of everyKind) {
    const others = withIcmpOfAll(everyKind.filter((other) => other !== rule))
    const there = others.map(ruleName)
    const names = all.map(ruleName).filter((name) => !there.includes(name))
    t.deepEqual(
      changes(everyKind, firewallOutput(others)),
      names.map((name) => ({ property: `rule ${name}`, have: undefined, want: 'present' })),
    )
    t.deepEqual(
      changes(others, firewallOutput(others, all)),
      names.map((name) => ({ property: `rule ${name}`, have: 'in force, not stored', want: undefined })),
    )
  }
})

test('all traffic is all ICMP of its family too, once', (t) => {
  const rules: UfwRule[] = [
    { from: '10.0.0.0/8', protocol: 'all' },
    { from: 'fd00::/64', protocol: 'all' },
    { from: 'fd00::/64', protocol: 'icmpv6' },
    { from: '10.0.0.0/8', protocol: 'icmp', type: '8' },
  ]

  t.deepEqual(withIcmpOfAll(rules).slice(rules.length), [{ from: '10.0.0.0/8', protocol: 'icmp' }])
})

test('rules of ICMP stand where ufw has not yet dropped what belongs to no connection', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-ufw-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'before6.rules')
  const [known, drop, neighbours] = [
    '-A ufw6-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    '-A ufw6-before-input -m conntrack --ctstate INVALID -j DROP',
    '-A ufw6-before-input -p icmpv6 --icmpv6-type neighbor-solicitation -m hl --hl-eq 255 -j ACCEPT',
  ]
  const mobile = '-A ufw6-before-input -p icmpv6 --icmpv6-type 144 -j ACCEPT'
  writeFileSync(path, [known, drop, neighbours, mobile, 'COMMIT', ''].join('\n'))

  const rules = [{ from: 'fd00::/64', protocol: 'icmpv6' as const, type: '2/0' }]
  execFileSync('sh', ['-c', stageIcmp({ ipv6: true, path, rules }).text])

  const ours = '-A ufw6-before-input -p icmpv6 --icmpv6-type 2/0 -s fd00::/64 -j ACCEPT'
  t.is(
    readFileSync(`${path}.sluice-staged`, 'utf8'),
    [known, ours, drop, neighbours, 'COMMIT', ''].join('\n'),
  )
})

test('what ufw brings for ICMP is a surplus, except what IPv6 itself lives on', (t) => {
  const brought = [
    '-A ufw-before-input -p icmp --icmp-type destination-unreachable -j ACCEPT',
    '-A ufw-before-input -p icmp --icmp-type echo-request -j ACCEPT',
    '-A ufw-before-forward -p icmp --icmp-type echo-request -j ACCEPT',
    '-A ufw-before-input -p icmp --icmp-type echo-request -m limit --limit 1/s -j ACCEPT',
    '-A ufw-before-input -p icmp -s 10.0.0.1 -j DROP',
  ]

  t.deepEqual(icmpRules(brought, false), [
    { protocol: 'icmp', from: '0.0.0.0/0', type: '3' },
    { protocol: 'icmp', from: '0.0.0.0/0', type: '8' },
    brought[3],
    brought[4],
  ])
  t.deepEqual(
    icmpRules(
      ['-A ufw6-before-input -p icmpv6 --icmpv6-type router-solicitation -m hl --hl-eq 255 -j ACCEPT'],
      true,
    ),
    [],
  )
})

test('a port is of tcp and udp, a type of ICMP, and ICMP of its own family', (t) => {
  t.throws(() => ufw({ rules: [{ from: '10.0.0.0/8', protocol: 'all', port: 22 }] }), {
    message: /a port only/,
  })
  t.throws(() => ufw({ rules: [{ from: '10.0.0.0/8', protocol: 'tcp', type: '8' }] }), {
    message: /a type only/,
  })
  t.throws(() => ufw({ rules: [{ from: '10.0.0.0/8', protocol: 'icmpv6' }] }), { message: /icmpv6 of IPv6/ })
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
  const lines = [
    '-A ufw-user-input -p tcp -m tcp --dport 80 -j ACCEPT',
    '-A ufw-user-input -p tcp -m tcp --sport 80 -j ACCEPT',
  ]

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
