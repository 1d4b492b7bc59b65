import { BlockList, isIPv4 } from 'node:net'
import type { IpPermission, SecurityGroup } from '@aws-sdk/client-ec2'
import test from 'ava'
import fc from 'fast-check'
import type { Host } from '../../engine/inventory.ts'
import { aptPackage } from '../../engine/resources/apt-package.ts'
import { ufw } from '../../engine/resources/ufw.ts'
import type { Connection } from '../../engine/transport/connection.ts'
import { ingressRuleOf, instanceOf } from '../../inventory/aws/answers.ts'
import { hostsOf } from '../../inventory/aws/hosts.ts'
import type { Observation } from '../../inventory/aws/observation.ts'
import { mirrorOf } from '../../inventory/aws/security-groups.ts'
import { firewallReading } from '../../playbooks/firewall-reading.ts'
import { converge } from '../support/converge.ts'
import { isRoot, needsRoot, useLab } from '../support/lab-hosts.ts'
import { listenOn, type Trial, tryAll } from '../support/network-trial.ts'
import { settingsWith } from '../unit/inventory/aws/cloud.ts'

const ports = [4001, 4002, 4003, 4004]
const groupIds = ['sg-1', 'sg-2', 'sg-3']
/** As many are taken the whole way. */
const sets = 16

/** Types of ICMP that ask for nothing, so that a firewall that goes by connections takes them for answers. */
const answers = {
  ipv4: [
    { type: 3, code: 4 },
    { type: 3, code: 1 },
    { type: 0, code: 0 },
  ],
  ipv6: [
    { type: 2, code: 0 },
    { type: 144, code: 0 },
  ],
}

/** What may be drawn: groups' rules, who is in which, and what is in the prefix list. */
interface Drawn {
  permissions: IpPermission[][]
  memberships: string[][]
  prefixList: string[]
}

interface Networks {
  ipv4: string[]
  ipv6: string[]
}

/** Rules as the EC2 API says them, about these networks. */
function drawing({ ipv4, ipv6 }: Networks): fc.Arbitrary<Drawn> {
  const some = <Value>(values: readonly Value[], most = 2) => fc.subarray([...values], { maxLength: most })
  const sources = fc.record({
    IpRanges: some(ipv4).map((found) => found.map((CidrIp) => ({ CidrIp }))),
    Ipv6Ranges: some(ipv6).map((found) => found.map((CidrIpv6) => ({ CidrIpv6 }))),
    PrefixListIds: some(['pl-1'], 1).map((found) => found.map((PrefixListId) => ({ PrefixListId }))),
    UserIdGroupPairs: some(groupIds).map((found) =>
      found.map((GroupId) => ({ GroupId, UserId: '111111111111' })),
    ),
  })
  const range = fc
    .tuple(fc.constantFrom(...ports), fc.constantFrom(...ports))
    .map(([one, other]) => ({ FromPort: Math.min(one, other), ToPort: Math.max(one, other) }))
  const traffic = fc.oneof(
    { weight: 6, arbitrary: fc.tuple(fc.constantFrom('tcp', 'udp', '6', '17'), range) },
    {
      weight: 2,
      arbitrary: fc.tuple(
        fc.constantFrom('tcp', 'udp'),
        fc.constantFrom({ FromPort: 0, ToPort: 65_535 }, { FromPort: 4003, ToPort: 65_535 }, {}),
      ),
    },
    {
      weight: 2,
      arbitrary: fc.tuple(
        fc.constantFrom('icmp', '1'),
        fc.constantFrom(
          ...[
            [-1, -1],
            [8, -1],
            [8, 0],
            [3, 4],
            [3, -1],
            [13, -1],
          ].map(([FromPort = 0, ToPort = 0]) => ({ FromPort, ToPort })),
        ),
      ),
    },
    {
      weight: 2,
      arbitrary: fc.tuple(
        fc.constantFrom('icmpv6', '58'),
        fc.constantFrom(...[-1, 128, 2, 144].map((FromPort) => ({ FromPort, ToPort: -1 }))),
      ),
    },
    { weight: 1, arbitrary: fc.constant(['-1', {}] as const) },
    { weight: 1, arbitrary: fc.constant(['50', {}] as const) },
  )
  const permission = fc
    .tuple(traffic, sources)
    .map(([[IpProtocol, between], from]): IpPermission => ({ IpProtocol, ...between, ...from }))
  return fc.record({
    permissions: fc.tuple(...groupIds.map(() => fc.array(permission, { maxLength: 3 }))),
    memberships: fc.tuple(...groupIds.map(() => fc.subarray(groupIds, { minLength: 1, maxLength: 2 }))),
    prefixList: some([...ipv4, ...ipv6]),
  })
}

/** What the answers of the EC2 API would make of these hosts. */
function observationOf(
  { permissions, memberships, prefixList }: Drawn,
  labHosts: readonly Host[],
  admin: string[],
) {
  const addressed = labHosts.map(({ privateAddresses }) => privateAddresses)
  const login: IpPermission = {
    IpProtocol: 'tcp',
    FromPort: 22,
    ToPort: 22,
    IpRanges: admin.filter((network) => !network.includes(':')).map((CidrIp) => ({ CidrIp })),
    Ipv6Ranges: admin.filter((network) => network.includes(':')).map((CidrIpv6) => ({ CidrIpv6 })),
  }
  const answers: SecurityGroup[] = permissions.map((rules, index) => ({
    GroupId: groupIds[index],
    GroupName: `group-${index + 1}`,
    OwnerId: '111111111111',
    IpPermissions: [login, ...rules],
  }))
  const instances = addressed.map((addresses, index) =>
    instanceOf(
      {
        InstanceId: `i-${index + 1}`,
        State: { Name: 'running' },
        InstanceType: 't3.small',
        Placement: { AvailabilityZone: 'eu-central-1a' },
        Tags: [
          { Key: 'Role', Value: 'host' },
          { Key: 'Name', Value: `vm${index + 1}` },
        ],
        NetworkInterfaces: [
          {
            NetworkInterfaceId: `eni-${index + 1}`,
            PrivateIpAddresses: addresses.filter(isIPv4).map((PrivateIpAddress) => ({ PrivateIpAddress })),
            Ipv6Addresses: addresses
              .filter((address) => !isIPv4(address))
              .map((Ipv6Address) => ({ Ipv6Address })),
            Groups: memberships[index]?.map((GroupId) => ({ GroupId })),
          },
        ],
      },
      'eu-central-1',
    ),
  )
  const observation: Observation = {
    regions: ['eu-central-1'],
    instances,
    seen: [],
    securityGroups: answers.map(({ GroupId = '', GroupName = '', OwnerId = '', IpPermissions = [] }) => ({
      id: GroupId,
      name: GroupName,
      account: OwnerId,
      ingress: IpPermissions.map(ingressRuleOf),
    })),
    members: Object.fromEntries(
      groupIds.map((id) => [id, addressed.filter((_, index) => memberships[index]?.includes(id)).flat()]),
    ),
    prefixLists: { 'pl-1': prefixList },
    images: {},
  }
  return observation
}

/** What AWS lets through, told from the rules alone: no part of the way that is tested has a hand in this. */
function isLetIn(
  drawn: Drawn,
  source: { index: number; address: string },
  target: number,
  trial: Trial,
): boolean {
  const { permissions, memberships, prefixList } = drawn
  const within = (network: string) => {
    const [base = '', length] = network.split('/')
    if (isIPv4(base) !== isIPv4(source.address)) return false
    const block = new BlockList()
    const family = isIPv4(base) ? 'ipv4' : 'ipv6'
    block.addSubnet(base, Number(length), family)
    return block.check(source.address, family)
  }
  const isMeant = ({ IpProtocol = '', FromPort = -1, ToPort = -1 }: IpPermission) => {
    if (IpProtocol === '-1') return true
    if (trial.kind === 'ping' || trial.kind === 'icmp') {
      const own = isIPv4(trial.address) ? ['icmp', '1'] : ['icmpv6', '58']
      const request = { type: isIPv4(trial.address) ? 8 : 128, code: 0 }
      const { type, code } = trial.kind === 'ping' ? request : trial
      return own.includes(IpProtocol) && [-1, type].includes(FromPort) && [-1, code].includes(ToPort)
    }
    if (![trial.kind, trial.kind === 'tcp' ? '6' : '17'].includes(IpProtocol)) return false
    return FromPort === -1 || (FromPort <= trial.port && trial.port <= ToPort)
  }
  const isFrom = ({
    IpRanges = [],
    Ipv6Ranges = [],
    PrefixListIds = [],
    UserIdGroupPairs = [],
  }: IpPermission) =>
    IpRanges.some(({ CidrIp = '' }) => within(CidrIp)) ||
    Ipv6Ranges.some(({ CidrIpv6 = '' }) => within(CidrIpv6)) ||
    (PrefixListIds.length > 0 && prefixList.some(within)) ||
    UserIdGroupPairs.some(({ GroupId = '' }) => memberships[source.index]?.includes(GroupId))
  const own = groupIds.flatMap((id, index) =>
    memberships[target]?.includes(id) ? (permissions[index] ?? []) : [],
  )
  return own.some((permission) => isMeant(permission) && isFrom(permission))
}

if (isRoot) {
  const lab = useLab(test, 'security-groups', 3)

  test.serial(
    'what UFW lets through is exactly what random security groups say, on IPv4 and IPv6',
    async (t) => {
      t.timeout(600_000)
      const { inventory, connect } = lab()
      const { hosts: labHosts } = inventory
      const connections: Connection[] = await Promise.all(labHosts.map(connect))
      t.teardown(() => {
        for (const connection of connections) connection.close()
      })
      await Promise.all(connections.map((connection) => listenOn(connection, ports)))
      const [first4 = '', first6 = ''] = labHosts[0]?.privateAddresses ?? []
      const [second4 = '', second6 = ''] = labHosts[1]?.privateAddresses ?? []
      const networks = {
        ipv4: [
          `${first4}/32`,
          `${second4}/32`,
          `${first4.replace(/\d+$/, '8')}/30`,
          '0.0.0.0/0',
          '192.0.2.0/24',
        ],
        ipv6: [
          `${first6}/128`,
          `${second6}/128`,
          `${first6.replace(/[^:]+$/, '')}/64`,
          '::/0',
          '2001:db8::/32',
        ],
      }
      const counts = { letIn: 0, denied: 0, runs: 0 }

      const converged = async (observation: Observation) => {
        const hosts = hostsOf(observation.instances, observation, settingsWith({ user: 'admin' }))
        const { policy } = mirrorOf(observation.instances, hosts, observation)
        const mirrored = { name: 'aws', hosts, variables: {}, groupVariables: {}, policy }
        await Promise.all(
          hosts.map(async (host, index) => {
            const rules = firewallReading.rulesOf(mirrored, host).map(({ at: _, ...rule }) => rule)
            const resources = [aptPackage({ name: 'ufw' }), ufw({ rules })]
            const reconnect = async () => {
              const connection = await connect(labHosts[index] as Host)
              connections[index] = connection
              return connection
            }
            const { error } = await converge(connections[index] as Connection, resources, { reconnect })
            if (error !== undefined) throw error
            const { planned } = await converge(connections[index] as Connection, resources, { reconnect })
            t.deepEqual(planned, [])
          }),
        )
      }

      const surprises = async (drawn: Drawn, index: number): Promise<string[]> => {
        const own = labHosts[index]?.privateAddresses ?? []
        const trials = labHosts.flatMap((to, target) =>
          target === index
            ? []
            : to.privateAddresses.flatMap((address) => {
                const source = { index, address: own.find((each) => isIPv4(each) === isIPv4(address)) ?? '' }
                const kinds: Trial[] = [
                  ...ports.flatMap((port) =>
                    (['tcp', 'udp'] as const).map((kind) => ({ kind, address, port })),
                  ),
                  { kind: 'ping', address },
                  ...answers[isIPv4(address) ? 'ipv4' : 'ipv6'].map((answer) => ({
                    kind: 'icmp' as const,
                    address,
                    ...answer,
                  })),
                ]
                return kinds.map((trial) => ({ ...trial, expected: isLetIn(drawn, source, target, trial) }))
              }),
        )
        counts.letIn += trials.filter(({ expected }) => expected).length
        counts.denied += trials.filter(({ expected }) => !expected).length
        const attempt = async (some: typeof trials, seconds: number) => {
          const got = await tryAll(connections[index] as Connection, some, seconds)
          return some.filter(({ expected }, at) => expected !== got[at])
        }
        const doubtful = await attempt(trials, 1)
        const wrong = doubtful.length === 0 ? [] : await attempt(doubtful, 10)
        return wrong.map(
          ({ expected, ...trial }) =>
            `vm${index + 1}: ${JSON.stringify(trial)} ${expected ? 'should get through' : 'should not get through'}`,
        )
      }

      await fc.assert(
        fc.asyncProperty(drawing(networks), async (drawn) => {
          await converged(observationOf(drawn, labHosts, inventory.policy.admin))
          const found = await Promise.all(labHosts.map((_, index) => surprises(drawn, index)))
          counts.runs++
          for (const each of found.flat()) t.log(each)
          return found.flat().length === 0 || Promise.reject(new Error(found.flat().join('\n')))
        }),
        { numRuns: sets, endOnFailure: true },
      )

      t.log(`${counts.runs} sets of groups: ${counts.letIn} let in, ${counts.denied} denied`)
      t.is(counts.runs, sets)
      t.true(counts.letIn > 0 && counts.denied > 0)
    },
  )
} else {
  test.serial.skip(needsRoot, (t) => t.pass())
}
