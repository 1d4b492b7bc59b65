import { type Traffic, vitalTypes } from '../policy.ts'
import { lines, type Script, sh, write } from '../shell.ts'
import { canonicalNetwork, isEverything, isIPv6Network } from './ufw-network.ts'

/** A rule of ICMP, with its source in canonical form. */
interface IcmpRule extends Traffic {
  from: string
}

/** Whether a rule is one that ufw has no command for, and that stands in `before.rules` or `before6.rules`. */
export const isIcmp = ({ protocol }: Traffic): boolean => protocol === 'icmp' || protocol === 'icmpv6'

/** All traffic is all ICMP too, of which ufw's rules of all traffic never see what belongs to no connection. */
export function withIcmpOfAll<Rule extends IcmpRule>(rules: readonly Rule[]): Rule[] {
  const added = rules
    .filter(({ protocol }) => protocol === 'all')
    .map((rule): Rule => ({ ...rule, protocol: isIPv6Network(rule.from) ? 'icmpv6' : 'icmp' }))
    .filter(({ protocol, from }) => !rules.some((other) => isAll(other, protocol, from)))
  return [...rules, ...added]
}

const isAll = ({ protocol, from, type }: IcmpRule, of: Traffic['protocol'], network: string): boolean =>
  protocol === of && from === network && type === undefined

/** The lines of `ufw-before-input` about ICMP, as a regular expression that grep, sed and JavaScript read alike. */
const aboutIcmp = '^-A ufw6?-before-input (.* )?-p (icmp|icmpv6|ipv6-icmp) '
/** Those that IPv6 itself lives on. They are no rules of anybody. */
const ofIPv6 = `--icmpv6-type (router|neighbo|${vitalTypes.join('|')})`

/** Words for the types of ICMP in the files that ufw brings. */
const typeNames: Record<string, Record<string, string>> = {
  icmp: {
    'destination-unreachable': '3',
    'source-quench': '4',
    'echo-request': '8',
    'time-exceeded': '11',
    'parameter-problem': '12',
  },
  icmpv6: {
    'destination-unreachable': '1',
    'packet-too-big': '2',
    'time-exceeded': '3',
    'parameter-problem': '4',
    'echo-request': '128',
    'echo-reply': '129',
  },
}

/** The rules of ICMP in one family's file, or in what the kernel says; other lines of the kind by themselves. */
export function icmpRules(from: readonly string[], ipv6: boolean): (IcmpRule | string)[] {
  const [about, frame] = [new RegExp(aboutIcmp), new RegExp(ofIPv6)]
  return from
    .filter((line) => about.test(line) && !frame.test(line))
    .map((line) => icmpRule(line, ipv6) ?? line)
}

function icmpRule(line: string, ipv6: boolean): IcmpRule | undefined {
  const protocol = ipv6 ? 'icmpv6' : 'icmp'
  const said = new Map<string, string>()
  const words = line.trim().split(/\s+/).slice(2)
  for (let index = 0; index < words.length; index += 2) {
    const [option = '', value = ''] = words.slice(index)
    // The kernel names the extension that knows the type; files leave that to iptables.
    if (option === '-m' && ['icmp', 'icmp6', 'icmpv6'].includes(value)) continue
    said.set(option, value)
  }
  const { '-s': from, '-p': name, '-j': target, ...rest } = Object.fromEntries(said)
  const type = rest[`--${protocol}-type`]
  const known = Object.keys(rest).length === (type === undefined ? 0 : 1)
  if (!known || target !== 'ACCEPT' || (name === 'icmp') === ipv6) return undefined
  const number = type === undefined ? undefined : (typeNames[protocol]?.[type] ?? type)
  if (number !== undefined && !/^\d+(\/\d+)?$/.test(number)) return undefined
  return {
    protocol,
    from: canonicalNetwork(from ?? (ipv6 ? '::/0' : '0.0.0.0/0')),
    ...(number !== undefined && { type: number }),
  }
}

/** The lines of a family, as ufw's own files write such lines. */
export function icmpLines(ipv6: boolean, rules: readonly IcmpRule[]): string[] {
  return rules
    .filter((rule) => isIcmp(rule) && isIPv6Network(rule.from) === ipv6)
    .map(({ protocol, type, from }) => {
      const kind = type === undefined ? '' : ` --${protocol}-type ${type}`
      const source = isEverything(from) ? '' : ` -s ${from}`
      return `-A ${ipv6 ? 'ufw6' : 'ufw'}-before-input -p ${protocol}${kind}${source} -j ACCEPT`
    })
}

/** Reads from a file the lines that `icmpRules` understands. */
export const readIcmp = (path: string): Script => sh`grep -E -e ${aboutIcmp} ${path} || :`

interface Family {
  ipv6: boolean
  path: string
  rules: readonly IcmpRule[]
}

const linesPath = (path: string) => `${path}.sluice-icmp`

/**
 * Puts these rules of ICMP in place of all others, before the point where ufw drops what belongs to no connection: that is
 * every type but the few that ask for an answer, such as echo requests.
 */
function exchanged({ ipv6, path }: Family): Script {
  const chain = `${ipv6 ? 'ufw6' : 'ufw'}-before-input`
  const known = `/^-A ${chain} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT$/r ${linesPath(path)}`
  return sh`sed -E -e ${`/${aboutIcmp}/{/${ofIPv6}/!d}`} -e ${known}`
}

/** Writes the new file beside `path`, as `path.sluice-staged`. */
export function stageIcmp(family: Family): Script {
  const { ipv6, path, rules } = family
  const icmp = icmpLines(ipv6, rules)
  return lines([
    write(linesPath(path), icmp.map((line) => `${line}\n`).join('')),
    sh`${exchanged(family)} ${path} > ${`${path}.sluice-staged`}`,
    sh`chmod --reference=${path} -- ${`${path}.sluice-staged`}`,
  ])
}

/** Puts the rules into the kernel's chain as it is, in one step. */
export function loadIcmp(family: Family): Script {
  const chain = `${family.ipv6 ? 'ufw6' : 'ufw'}-before-input`
  const tool = family.ipv6 ? 'ip6tables' : 'iptables'
  return sh`saved=$(${`${tool}-save`} -t filter) && {
      printf '*filter\\n:%s - [0:0]\\n' ${chain}
      echo "$saved" | grep -e ${`^-A ${chain} `} | ${exchanged(family)}
      echo COMMIT
    } | ${`${tool}-restore`} --wait 10 --noflush`
}

export const forgetIcmp = ({ path }: Pick<Family, 'path'>): Script => sh`rm -f -- ${linesPath(path)}`
