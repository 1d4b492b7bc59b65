import type { Traffic } from '../policy.ts'
import { isIcmp } from './ufw-icmp.ts'
import { canonicalNetwork, isEverything, isIPv6Network } from './ufw-network.ts'

/** One inbound allow; `from` is in canonical form. */
export interface UfwRule extends Traffic {
  from: string
  comment?: string | undefined
}

/** What a rules file holds: its rules by name, and how it logs, which is kept as it is. */
export interface StoredRules {
  names: string[]
  logging: string[] | undefined
}

/** What the kernel holds of one family. */
export interface LiveTable {
  names: string[]
  /** What of ufw's frame around the rules is not as it should be. */
  broken: string[]
}

const source = (network: string) => (isEverything(network) ? 'anywhere' : network)
const family = (network: string) => (isIPv6Network(network) ? 'IPv6' : 'IPv4')

/** How a rule is called in output, and told from others. */
export function ruleName({ protocol, port, type, from }: UfwRule): string {
  const everywhere = isEverything(from) ? ` (${family(from)})` : ''
  const part = port ?? type
  const traffic =
    protocol === 'all' ? 'all traffic' : part === undefined ? `all ${protocol}` : `${protocol} ${part}`
  return `allow ${traffic} from ${source(from)}${everywhere}`
}

function ruleLine({ protocol, port, from }: UfwRule): string {
  const chain = isIPv6Network(from) ? 'ufw6-user-input' : 'ufw-user-input'
  const ports =
    port === undefined
      ? ''
      : String(port).includes(':')
        ? ` -m multiport --dports ${port}`
        : ` --dport ${port}`
  const traffic = protocol === 'all' ? '' : ` -p ${protocol}${ports}`
  return `-A ${chain}${traffic}${isEverything(from) ? '' : ` -s ${from}`} -j ACCEPT`
}

function tupleLine({ protocol, port, from, comment }: UfwRule): string {
  const any = isIPv6Network(from) ? '::/0' : '0.0.0.0/0'
  const note = comment === undefined ? '' : ` comment=${Buffer.from(comment).toString('hex')}`
  const traffic = `${protocol === 'all' ? 'any' : protocol} ${port ?? 'any'}`
  return `### tuple ### allow ${traffic} ${any} any ${from} in${note}`
}

/** How ufw 0.36 logs at its level "low", in its words. */
const loggingAtLow = (chain: string) => [
  `-A ${chain}-after-logging-input -j LOG --log-prefix "[UFW BLOCK] " -m limit --limit 3/min --limit-burst 10`,
  `-A ${chain}-after-logging-forward -j LOG --log-prefix "[UFW BLOCK] " -m limit --limit 3/min --limit-burst 10`,
  `-I ${chain}-logging-deny -m conntrack --ctstate INVALID -j RETURN -m limit --limit 3/min --limit-burst 10`,
  `-A ${chain}-logging-deny -j LOG --log-prefix "[UFW BLOCK] " -m limit --limit 3/min --limit-burst 10`,
  `-A ${chain}-logging-allow -j LOG --log-prefix "[UFW ALLOW] " -m limit --limit 3/min --limit-burst 10`,
]

const chainNames = [
  'user-input',
  'user-output',
  'user-forward',
  ...['before-logging', 'user-logging', 'after-logging'].flatMap((name) => [
    `${name}-input`,
    `${name}-output`,
    `${name}-forward`,
  ]),
  'logging-deny',
  'logging-allow',
  'user-limit',
  'user-limit-accept',
]

/** A rules file (`user.rules` or `user6.rules`) as ufw 0.36 writes it, and reads it back. Rules of ICMP have another. */
export function rulesFile(ipv6: boolean, rules: readonly UfwRule[], logging: string[] | undefined): string {
  const prefix = ipv6 ? 'ufw6' : 'ufw'
  return [
    '*filter',
    ...chainNames.map((name) => `:${prefix}-${name} - [0:0]`),
    '### RULES ###',
    ...rules
      .filter((rule) => isIPv6Network(rule.from) === ipv6 && !isIcmp(rule))
      .flatMap((rule) => ['', tupleLine(rule), ruleLine(rule)]),
    '',
    '### END RULES ###',
    '',
    '### LOGGING ###',
    ...(logging ?? loggingAtLow(prefix)),
    '### END LOGGING ###',
    '',
    '### RATE LIMITING ###',
    `-A ${prefix}-user-limit -m limit --limit 3/minute -j LOG --log-prefix "[UFW LIMIT BLOCK] "`,
    `-A ${prefix}-user-limit -j REJECT`,
    `-A ${prefix}-user-limit-accept -j ACCEPT`,
    '### END RATE LIMITING ###',
    'COMMIT',
    '',
  ].join('\n')
}

/** Reads a rules file. A rule that is not a plain inbound allow, or whose lines are not ufw's own, has another name. */
export function parseStored(lines: readonly string[]): StoredRules {
  const names: string[] = []
  let tuple: string | undefined
  let made: string[] = []
  const finish = () => {
    if (tuple !== undefined) names.push(tupleName(tuple, made))
    else names.push(...made)
    tuple = undefined
    made = []
  }
  const [start, end] = [lines.indexOf('### RULES ###'), lines.indexOf('### END RULES ###')]
  // A file that ufw has not written yet, as the package brings it, has no end of the rules and no rules.
  for (const line of end < 0 ? [] : lines.slice(start + 1, end)) {
    if (line.startsWith('### tuple ###')) {
      finish()
      tuple = line
    } else if (line.trim() === '') finish()
    else made.push(line)
  }
  finish()
  const [from, to] = [lines.indexOf('### LOGGING ###'), lines.indexOf('### END LOGGING ###')]
  return { names, logging: from < 0 || to < from ? undefined : lines.slice(from + 1, to) }
}

function tupleName(tuple: string, lines: readonly string[]): string {
  const [action = '', protocol = '', port = '', to = '', fromPort = '', from = '', ...rest] = tuple
    .replace('### tuple ###', '')
    .trim()
    .split(/\s+/)
  const rule = plainRule(protocol, port, from)
  const plain = action === 'allow' && isEverything(to) && fromPort === 'any' && isInbound(rest)
  if (rule !== undefined && plain) {
    return lines.join('\n') === ruleLine(rule)
      ? ruleName(rule)
      : `${ruleName(rule)}, but as: ${lines.join('; ')}`
  }
  const shown = [action, protocol, port, isEverything(to) ? '' : `to ${to}`, `from ${source(from)}`]
  const where = isEverything(from) ? `(${family(from)})` : ''
  const more = rest.filter((word) => word !== 'in' && word !== '-' && !word.startsWith('comment='))
  return [...shown, fromPort === 'any' ? '' : `port ${fromPort}`, ...more, where]
    .filter((word) => word !== '')
    .join(' ')
}

const isInbound = ([direction, ...rest]: readonly string[]): boolean =>
  direction === 'in' && rest.every((word) => word.startsWith('comment='))

/** A rule from the words of ufw or of iptables; nothing when it is none that a policy can have. */
function plainRule(protocol: string, port: string, from: string): UfwRule | undefined {
  const ported = protocol === 'tcp' || protocol === 'udp'
  if (!ported && protocol !== 'any' && protocol !== 'esp' && protocol !== 'gre') return undefined
  const network = canonicalNetwork(from)
  if (port === 'any') return { protocol: protocol === 'any' ? 'all' : protocol, from: network }
  if (!ported || !/^\d+(:\d+)?$/.test(port)) return undefined
  return { protocol, port: port.includes(':') ? port : Number(port), from: network }
}

/** Reads what `iptables-save` or `ip6tables-save` says of the filter table. */
export function parseLive(lines: readonly string[], ipv6: boolean): LiveTable {
  const prefix = ipv6 ? 'ufw6' : 'ufw'
  const required = [
    ':INPUT DROP',
    ':FORWARD DROP',
    ':OUTPUT ACCEPT',
    `-A INPUT -j ${prefix}-before-input`,
    `-A ${prefix}-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`,
    `-A ${prefix}-before-input -j ${prefix}-user-input`,
  ]
  const there = new Set(lines.map((line) => line.replace(/ \[\d+:\d+\]$/, '')))
  const ours = new RegExp(`^-A ${prefix}-user-(input|output|forward) `)
  return {
    broken: required.filter((line) => !there.has(line)),
    names: lines.filter((line) => ours.test(line)).map((line) => liveName(line, ipv6)),
  }
}

function liveName(line: string, ipv6: boolean): string {
  const match =
    /^-A ufw6?-user-input(?: -s (\S+))?(?: -p (\S+)(?: -m \2 --dport (\d+)| -m multiport --dports (\d+:\d+))?)? -j ACCEPT$/.exec(
      line,
    )
  if (match === null) return line
  const [, from = ipv6 ? '::/0' : '0.0.0.0/0', protocol = 'any', port, range] = match
  const rule = plainRule(protocol, port ?? range ?? 'any', from)
  return rule ? ruleName(rule) : line
}
