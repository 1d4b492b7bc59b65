import { isIPv6 } from 'node:net'
import * as v from 'valibot'
import { SluiceError } from '../engine/errors.ts'
import type { Host } from '../engine/inventory.ts'
import { type PolicyRule, portRange } from '../engine/policy.ts'
import { aptPackage } from '../engine/resources/apt-package.ts'
import { sshModuli } from '../engine/resources/ssh-moduli.ts'
import { sshdConfig } from '../engine/resources/sshd-config.ts'
import { systemdUnit } from '../engine/resources/systemd-unit.ts'
import { defineRole, type RoleContext } from '../engine/role.ts'
import { AccountName, Port } from '../engine/schemas.ts'
import { controllerAlgorithms, hardenedAlgorithms, type SshAlgorithms } from '../templates/sshd-algorithms.ts'
import { sshdDropIn } from '../templates/sshd-drop-in.ts'
import { admits, inboundRules, wayIn } from './firewall.ts'

/** Of how many ports of a rule each is named; beyond that every port is meant. */
const mostForwarded = 64

const Names = v.pipe(
  v.array(v.pipe(v.string(), v.regex(/^[a-z0-9@.-]+$/, 'should be the name of an SSH algorithm'))),
  v.minLength(1),
)

const Params = v.strictObject({
  port: v.pipe(
    v.optional(Port),
    v.description(
      'where sshd listens, which the policy must let the controller reach; left out, where it does now',
    ),
  ),
  allowUsers: v.pipe(
    v.optional(v.array(AccountName), []),
    v.description('the only accounts that may log in; empty: all that have a key'),
  ),
  loginGraceSeconds: v.pipe(
    v.optional(v.pipe(v.number(), v.integer(), v.minValue(5)), 30),
    v.description('how long a login may take'),
  ),
  // An agent offers its keys one by one and each counts, while a lower number guards nothing where only keys do.
  maxAuthTries: v.pipe(
    v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), 6),
    v.description('how many keys a client may offer'),
  ),
  permitOpen: v.pipe(
    v.optional(v.array(v.pipe(v.string(), v.regex(/^\S+:\d+$/, 'should be address:port'))), []),
    v.description(
      "where connections may be forwarded to, besides the host's own services and hosts that are reached through it",
    ),
  ),
  kex: v.pipe(v.optional(Names), v.description('key exchanges, instead of the hardened ones')),
  ciphers: v.pipe(v.optional(Names), v.description('ciphers, instead of the hardened ones')),
  macs: v.pipe(v.optional(Names), v.description('MACs, instead of the hardened ones')),
  hostKeys: v.pipe(v.optional(Names), v.description('host key algorithms, instead of the hardened ones')),
  allowLockout: v.pipe(
    v.optional(v.boolean(), false),
    v.description('go on although it would shut the controller out; the guard still takes that back'),
  ),
})
type Params = v.InferOutput<typeof Params>

/** sshd for keys only, by today's algorithms, with forwarding to the host's own services and to hosts that are reached through it. */
export const sshd = defineRole({
  name: 'sshd',
  description: 'sshd: keys only, hardened algorithms, forwarding only to the services and to hosts behind it',
  params: Params,
  resources: (params, context) => {
    const { host, facts } = context
    const algorithms = chosenAlgorithms(params, context)
    if (!params.allowLockout) refuseLockout(params, algorithms, context)
    const content = sshdDropIn({
      algorithms,
      port: params.port,
      // The inventory's own login user must stay able to log in, be it root: then by key only, as everybody.
      rootLogin: host.user === 'root' ? 'prohibit-password' : 'no',
      allowUsers: params.allowUsers,
      loginGraceSeconds: params.loginGraceSeconds,
      maxAuthTries: params.maxAuthTries,
      permitOpen: [...new Set([...ownServices(context), ...hostsBehind(context), ...params.permitOpen])],
      knowsRsaSize: !(facts.distribution === 'ubuntu' && facts.release === '22.04'),
    })
    const login = { user: host.user, from: facts.clientAddress }
    return [
      aptPackage({ name: 'openssh-server' }),
      sshModuli({ leastBits: 3071 }),
      sshdConfig({
        content,
        ...(!params.allowLockout && { login }),
        // Behind a gateway with ports of its own, the controller's port stays.
        ...(params.port !== undefined && host.port === facts.sshPort && { port: params.port }),
      }),
      // With socket activation the service starts with the first connection.
      ...(facts.distribution === 'debian' ? [systemdUnit({ unit: 'ssh.service', enabled: true })] : []),
    ]
  },
})

function chosenAlgorithms(params: Params, { facts }: RoleContext): SshAlgorithms {
  const { kex, ciphers, macs, hostKeys } = hardenedAlgorithms(facts.distribution, facts.release)
  return {
    kex: params.kex ?? kex,
    ciphers: params.ciphers ?? ciphers,
    macs: params.macs ?? macs,
    hostKeys: params.hostKeys ?? hostKeys,
  }
}

/** The host's services that the policy knows, by each address they may listen on: the controller reads them through SSH. */
function ownServices({ host, inventory }: RoleContext): string[] {
  const ports = inventory.policy.rules
    .filter(({ to, protocol }) => (protocol === 'tcp' || protocol === 'all') && host.groups.includes(to))
    .flatMap(portsIn)
  return [...new Set(ports.includes('*') ? ['*'] : ports)].flatMap((port) =>
    ['127.0.0.1', ...host.privateAddresses].map((address) => placeOf(address, port)),
  )
}

/** The hosts that are reached through this one: closed to them, it would lock the controller out of those. */
function hostsBehind({ host, inventory }: RoleContext): string[] {
  const through = (from: Host): Host[] => {
    const { jump } = from
    if (jump === undefined) return []
    const next = jump.address === host.address && jump.port === host.port ? [from] : []
    return [...next, ...through(jump)]
  }
  return inventory.hosts.flatMap(through).map(({ address, port }) => placeOf(address, port))
}

const placeOf = (address: string, port: number | string): string =>
  isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`

/** sshd knows ports and "every port", but no ranges. */
function portsIn(rule: PolicyRule): string[] {
  const range = portRange(rule)
  if (range === undefined) return []
  const { first, last } = range
  if (last - first >= mostForwarded) return ['*']
  return Array.from({ length: last - first + 1 }, (_, index) => String(first + index))
}

function refuseLockout(params: Params, algorithms: SshAlgorithms, context: RoleContext): void {
  const { host, facts } = context
  const refuse = (subject: string, advice: string) => {
    throw new SluiceError('LOCKOUT_PREVENTED', { subject, advice })
  }
  if (params.allowUsers.length > 0 && !params.allowUsers.includes(host.user)) {
    refuse(
      `sshd.allowUsers leaves out ${host.user}, as whom the inventory logs in to ${host.name}`,
      `add ${host.user} to sshd.allowUsers`,
    )
  }
  if (params.port !== undefined && !admits(inboundRules(context), facts.clientAddress, params.port)) {
    refuse(
      `sshd.port is ${params.port}, where no rule of the policy lets the controller, ${facts.clientAddress}, in`,
      wayIn(context, facts.clientAddress, params.port),
    )
  }
  for (const kind of ['kex', 'ciphers', 'macs', 'hostKeys'] as const) {
    if (algorithms[kind].some((name) => controllerAlgorithms[kind].includes(name))) continue
    refuse(
      `sshd.${kind} has none that the controller can speak: ${algorithms[kind].join(', ')}`,
      `add one of ${controllerAlgorithms[kind].join(', ')}`,
    )
  }
  const known = host.hostKeys.map((key) => key.split(' ')[0] ?? '')
  const offered = (type: string) =>
    type === 'ssh-rsa'
      ? algorithms.hostKeys.some((name) => name.startsWith('rsa-sha2-') && !name.includes('cert'))
      : algorithms.hostKeys.includes(type)
  if (known.length > 0 && !known.some(offered)) {
    refuse(
      `sshd would no longer show a host key that the inventory knows: it knows ${known.join(', ')}`,
      `add the host's ssh-ed25519 key to its hostKeys in the inventory (ssh-keyscan -t ed25519 ${host.address})`,
    )
  }
}
