import { isIPv4 } from 'node:net'
import * as v from 'valibot'
import type { Document, LineCounter } from 'yaml'
import {
  type Policy,
  type PolicyRule,
  type Protocol,
  protocols,
  sayableIcmp,
  vitalTypes,
} from '../../engine/policy.ts'
import { Cidr } from '../../engine/schemas.ts'

const isPort = (port: number) => Number.isInteger(port) && port >= 1 && port <= 65_535

const Ports = v.pipe(
  v.union([v.number(), v.string()], 'should be a port'),
  v.check((written) => {
    if (typeof written === 'number') return isPort(written)
    const [first = 0, last = 0] = (/^(\d+):(\d+)$/.exec(written) ?? []).slice(1).map(Number)
    return isPort(first) && isPort(last) && first < last
  }, 'should be a port from 1 to 65535, or a range such as "8000:8100"'),
)

const icmpNames: Record<string, Record<string, string>> = {
  icmp: {
    'destination-unreachable': '3',
    'fragmentation-needed': '3/4',
    'echo-request': '8',
    'time-exceeded': '11',
  },
  icmpv6: {
    'destination-unreachable': '1',
    'packet-too-big': '2',
    'time-exceeded': '3',
    'echo-request': '128',
  },
}

const IcmpType = v.pipe(
  v.union([v.number(), v.string()], 'should be a type of ICMP'),
  v.transform(String),
  v.check((written) => {
    const numbers = /^\d+(\/\d+)?$/.test(written) && written.split('/').every((part) => Number(part) <= 255)
    return numbers || Object.values(icmpNames).some((names) => written in names)
  }, 'should be a type of ICMP: echo-request, a number such as 8, or with its code 3/4'),
)

const WrittenRule = v.strictObject({
  /** A group, `admin` (the policy's admin networks) or a network. */
  from: v.array(v.string()),
  /** A group, or `all`. */
  to: v.string(),
  /** Left out for tcp and udp, it is every port. */
  port: v.optional(Ports),
  /** One or several. With a port it is tcp where it is not said. */
  protocol: v.optional(
    v.union(
      [v.picklist(protocols), v.pipe(v.array(v.picklist(protocols)), v.minLength(1))],
      `should be one of ${protocols.join(', ')}, or several of them`,
    ),
  ),
  /** Of icmp and icmpv6. Left out, it is every type. */
  type: v.optional(IcmpType),
})
type WrittenRule = v.InferOutput<typeof WrittenRule>

/** A policy as it is written in a file. */
export const WrittenPolicy = v.strictObject({
  /** Networks that people and the controller come from. */
  admin: v.array(Cidr),
  rules: v.array(WrittenRule),
})
export type WrittenPolicy = v.InferOutput<typeof WrittenPolicy>

/** Says in which line of the file something stands. */
export type Locate = (...path: (string | number)[]) => string

export function locator(file: string, document: Document, lines: LineCounter): Locate {
  return (...path) => {
    const node = document.getIn(path, true)
    const [start] = (node as { range?: [number, number, number] } | undefined)?.range ?? []
    return start === undefined ? file : `${file}:${lines.linePos(start).line}`
  }
}

/** A policy of a file: a rule for each protocol that a written one names, with its line. */
export function policyOf({ admin, rules }: WrittenPolicy, locate: Locate): Policy {
  return {
    admin,
    rules: rules.flatMap((rule, index) => rulesOf(rule, locate('policy', 'rules', index))),
    places: { rules: locate('policy', 'rules'), admin: locate('policy', 'admin') },
  }
}

function rulesOf(rule: WrittenRule, at: string): PolicyRule[] {
  const { from, to, port, type } = rule
  return protocolsOf(rule).map((protocol) => ({
    from,
    to,
    protocol,
    ...(port !== undefined && { port }),
    ...(type !== undefined && { type: icmpNames[protocol]?.[type] ?? type }),
    at,
  }))
}

const protocolsOf = ({ protocol = 'tcp' }: WrittenRule): Protocol[] => [
  ...new Set(typeof protocol === 'string' ? [protocol] : protocol),
]

/** What a policy says that it cannot mean, each with its place. */
export function policyMistakes({ rules }: WrittenPolicy, groups: readonly string[]): string[] {
  return rules.flatMap((rule, index) => {
    const place = `policy/rules/${index}`
    const sources = rule.from
      .filter((source) => source !== 'admin' && !groups.includes(source) && !v.is(Cidr, source))
      .map(
        (source) =>
          `${place}/from should be admin, a network or one of ${groups.join(', ')}, got "${source}"`,
      )
    const target =
      rule.to === 'all' || groups.includes(rule.to)
        ? []
        : [`${place}/to should be all or one of ${groups.join(', ')}, got "${rule.to}"`]
    return [...sources, ...target, ...trafficMistakes(rule, place)]
  })
}

function trafficMistakes(rule: WrittenRule, place: string): string[] {
  const { port, type, protocol } = rule
  if (protocol === undefined && port === undefined) {
    return [`${place}/port is missing; every port of a protocol is meant where only protocol is said`]
  }
  return protocolsOf(rule).flatMap((each) => {
    const hasPorts = each === 'tcp' || each === 'udp'
    const isIcmp = each === 'icmp' || each === 'icmpv6'
    return [
      ...(port !== undefined && !hasPorts ? [`${place}/port should be left out: ${each} has no ports`] : []),
      ...(type !== undefined && !isIcmp ? [`${place}/type should be left out: ${each} has no types`] : []),
      ...(type !== undefined && isIcmp ? icmpMistakes(each, type, place) : []),
      ...familyMistakes(rule, each, place),
    ]
  })
}

/** What no rule is about. */
const unsayable = {
  icmp: 'they are from 0 to 254',
  icmpv6: `they are from 0 to 255, and on ${vitalTypes.join(', ')} IPv6 itself lives, which ufw lets in as it needs`,
}

function icmpMistakes(protocol: 'icmp' | 'icmpv6', type: string, place: string): string[] {
  const names = icmpNames[protocol] ?? {}
  if (!/^\d/.test(type) && !(type in names)) {
    return [`${place}/type should be a number or one of ${Object.keys(names).join(', ')}, got "${type}"`]
  }
  return sayableIcmp(protocol, Number((names[type] ?? type).split('/')[0]))
    ? []
    : [`${place}/type should be one that a rule can tell from others, not ${type}: ${unsayable[protocol]}`]
}

function familyMistakes({ from }: WrittenRule, protocol: Protocol, place: string): string[] {
  if (protocol !== 'icmp' && protocol !== 'icmpv6') return []
  const [own, other] = protocol === 'icmp' ? ['IPv4', 'icmpv6'] : ['IPv6', 'icmp']
  return from
    .filter((source) => v.is(Cidr, source) && isIPv4(source.split('/')[0] ?? '') !== (protocol === 'icmp'))
    .map((source) => `${place}/from should be of ${own}, got "${source}"; for the other family say ${other}`)
}
