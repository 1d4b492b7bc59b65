import { isIPv6 } from 'node:net'
import {
  AuthorizeSecurityGroupIngressCommand,
  type IpPermission,
  RevokeSecurityGroupIngressCommand,
  type SecurityGroup,
} from '@aws-sdk/client-ec2'
import * as v from 'valibot'
import { type Change, defineResource } from '../../../engine/resource.ts'
import { regionOf } from './connection.ts'
import type { Holdings } from './holdings.ts'
import { groupPart, partsOf, partTag, Stack, tagOf } from './stack.ts'
import { step } from './steps.ts'

const RulesSpec = v.strictObject({
  stack: Stack,
  group: v.string(),
  rules: v.array(
    v.strictObject({
      /** Networks, or names of security groups of the stack. */
      from: v.array(v.string()),
      port: v.number(),
      protocol: v.picklist(['tcp', 'udp']),
    }),
  ),
})

interface Rules {
  /** By what each says. */
  rules: Map<string, IpPermission>
}

/** What a security group lets in: exactly this, whatever else was put there is taken away. */
export const ingressRules = defineResource<typeof RulesSpec, Rules>({
  kind: 'ingress rules',
  spec: RulesSpec,
  id: ({ group }) => group,
  reads: ({ group, rules }) => [
    `security-group/${group}`,
    ...rules.flatMap(({ from }) => from.filter(isGroup).map((name) => `security-group/${name}`)),
  ],
  touches: ({ group }) => [`ingress/${group}`],

  probe: ({ group }) => ({
    async read(access) {
      const holdings = await regionOf(access).holdings()
      const [found] = partsOf(holdings.securityGroups, groupPart(group))
      const rules = found && rulesIn(found, holdings)
      // Without rules there is nothing to be removed.
      return rules === undefined || rules.size === 0 ? undefined : { rules }
    },
  }),

  diff: ({ rules }, have) => ruleChanges(rules, have),
  // A group that is still to be made comes without rules.
  predict: ({ rules }, have) => ruleChanges(rules, have),

  apply: ({ group, rules }, have) => [
    step(`set what ${group} lets in`, async (region) => {
      const holdings = await region.holdings()
      const [found] = partsOf(holdings.securityGroups, groupPart(group))
      const declared = new Map(
        rules.flatMap(({ from, port, protocol }) =>
          from.map((source) => [
            said({ source, port, protocol }),
            permission({ source, port, protocol }, holdings),
          ]),
        ),
      )
      const missing = [...declared].filter(([rule]) => !have?.rules.has(rule)).map(([, each]) => each)
      const surplus = [...(have?.rules ?? [])].filter(([rule]) => !declared.has(rule)).map(([, each]) => each)
      const GroupId = found?.GroupId
      // What is to be let in comes first, so that nothing is cut off on the way.
      if (missing.length > 0) {
        await region.api.send(new AuthorizeSecurityGroupIngressCommand({ GroupId, IpPermissions: missing }))
      }
      if (surplus.length > 0) {
        await region.api.send(new RevokeSecurityGroupIngressCommand({ GroupId, IpPermissions: surplus }))
      }
      await region.seen(`${group} lets in what is declared`, (now) => {
        const [changed] = partsOf(now.securityGroups, groupPart(group))
        const there = changed && rulesIn(changed, now)
        return (
          (there?.size === declared.size && [...declared.keys()].every((rule) => there.has(rule))) ||
          undefined
        )
      })
    }),
  ],

  remove: ({ group }, { rules }) => [
    step(`take the rules of ${group} away`, async (region) => {
      const { securityGroups } = await region.holdings()
      const GroupId = partsOf(securityGroups, groupPart(group))[0]?.GroupId
      await region.api.send(
        new RevokeSecurityGroupIngressCommand({ GroupId, IpPermissions: [...rules.values()] }),
      )
    }),
  ],
})

function ruleChanges(rules: v.InferOutput<typeof RulesSpec>['rules'], have: Rules | undefined): Change[] {
  const declared = new Set(
    rules.flatMap(({ from, port, protocol }) => from.map((source) => said({ source, port, protocol }))),
  )
  const there = [...(have?.rules.keys() ?? [])]
  return [
    ...[...declared]
      .filter((rule) => !there.includes(rule))
      .map((rule) => change(rule, undefined, 'present')),
    ...there.filter((rule) => !declared.has(rule)).map((rule) => change(rule, 'present', undefined)),
  ]
}

function change(rule: string, have: string | undefined, want: string | undefined): Change {
  return { property: `rule ${rule}`, have, want }
}

interface Rule {
  source: string
  port: number
  protocol: string
}

function said({ source, port, protocol }: Rule): string {
  return `${protocol} ${port} from ${source}`
}

function isGroup(source: string): boolean {
  return !source.includes('/')
}

function permission({ source, port, protocol }: Rule, { securityGroups }: Holdings): IpPermission {
  const which = isGroup(source)
    ? { UserIdGroupPairs: [{ GroupId: partsOf(securityGroups, groupPart(source))[0]?.GroupId }] }
    : isIPv6(source.split('/')[0] ?? '')
      ? { Ipv6Ranges: [{ CidrIpv6: source }] }
      : { IpRanges: [{ CidrIp: source }] }
  return { IpProtocol: protocol, FromPort: port, ToPort: port, ...which }
}

/** Every single rule of a group: one protocol, range of ports and source each. */
function rulesIn({ IpPermissions = [] }: SecurityGroup, holdings: Holdings): Map<string, IpPermission> {
  const rules = IpPermissions.flatMap(({ IpProtocol = '-1', FromPort, ToPort, ...sources }) => {
    const range = { IpProtocol, FromPort, ToPort }
    const ports = FromPort === ToPort ? `${FromPort ?? 'all'}` : `${FromPort}-${ToPort}`
    const rule = (source: string, which: Partial<IpPermission>): [string, IpPermission] => [
      `${IpProtocol === '-1' ? 'all' : IpProtocol} ${ports} from ${source}`,
      { ...range, ...which },
    ]
    return [
      ...(sources.IpRanges ?? []).map((each) =>
        rule(each.CidrIp ?? '', { IpRanges: [{ CidrIp: each.CidrIp }] }),
      ),
      ...(sources.Ipv6Ranges ?? []).map((each) =>
        rule(each.CidrIpv6 ?? '', { Ipv6Ranges: [{ CidrIpv6: each.CidrIpv6 }] }),
      ),
      ...(sources.PrefixListIds ?? []).map((each) =>
        rule(each.PrefixListId ?? '', { PrefixListIds: [{ PrefixListId: each.PrefixListId }] }),
      ),
      ...(sources.UserIdGroupPairs ?? []).map(({ GroupId, UserId }) =>
        rule(nameOfGroup(GroupId, holdings), {
          UserIdGroupPairs: [{ GroupId, ...(UserId !== undefined && { UserId }) }],
        }),
      ),
    ]
  })
  return new Map(rules)
}

/** As the stack calls it; a group of something else by its identifier. */
function nameOfGroup(id: string | undefined, { securityGroups }: Holdings): string {
  const ours = securityGroups.find(({ GroupId }) => GroupId === id)
  const part = ours && tagOf(ours, partTag)
  return part?.replace(/^security-group /, '') ?? id ?? ''
}
