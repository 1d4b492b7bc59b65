import { existsSync, readFileSync } from 'node:fs'
import { BlockList, isIPv6 } from 'node:net'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { SluiceError } from '../../../engine/errors.ts'
import { pipelineRules } from '../../policy.ts'
import { type AwsSettings, tagFilter } from '../settings.ts'
import type { Stack } from './stack.ts'
import type { Wanted } from './wanted.ts'

/** The security group of every host: who may log in. */
const loginGroup = 'ssh'

export interface DeclaredHost extends Wanted {
  name: string
  role: string
  pricePerHour: number | undefined
}

export interface DeclaredGroup {
  name: string
  description: string
  rules: { from: string[]; port: number; protocol: 'tcp' | 'udp' }[]
}

/** What there is to be at AWS, whoever may come in. */
export interface Declaration {
  stack: Stack
  network: string
  subnet: string
  zone: string | undefined
  hosts: DeclaredHost[]
}

/** What `sluice up` makes of the settings. */
export function declarationOf(settings: AwsSettings): Declaration {
  const { network, subnet, zone, type, image, diskGb, hosts } = settings.up
  const tags = Object.fromEntries(tagFilter(settings))
  const stack = { name: settings.project, tags, nameTag: settings.tags.name }
  const declared = Object.entries(hosts).map(([name, host], index): DeclaredHost => {
    const address = host.address ?? addressIn(subnet, 10 + index)
    return {
      name,
      role: host.role,
      type: host.type ?? type,
      image: host.image ?? image,
      diskGb: host.diskGb ?? diskGb,
      pricePerHour: host.pricePerHour,
      address: within(subnet, address, name),
      groups: [loginGroup, host.role],
      tags: { ...tags, [settings.tags.name]: name, [settings.tags.role]: host.role },
    }
  })
  return { stack, network, subnet, zone, hosts: declared }
}

/** The security groups: one for each role, and one for logging in, with exactly what the policy lets in. */
export function groupsOf(
  { hosts }: Pick<Declaration, 'hosts'>,
  admin: readonly string[],
  policy = pipelineRules,
): DeclaredGroup[] {
  const roles = [...new Set(hosts.map(({ role }) => role))]
  return [loginGroup, ...roles].map((name) => ({
    name,
    description: name === loginGroup ? 'who may log in to every host' : `who may reach ${name}`,
    rules: policy
      .filter(({ to }) => to === (name === loginGroup ? 'all' : name))
      .map(({ from, port, protocol }) => {
        if (typeof port !== 'number' || (protocol !== 'tcp' && protocol !== 'udp')) {
          throw new TypeError('the policy of the pipeline names one port of TCP or UDP a rule')
        }
        const sources = from.flatMap((each) =>
          each === 'admin' ? admin : roles.includes(each) ? [each] : [],
        )
        return { from: sources, port, protocol }
      }),
  }))
}

/**
 * Networks that people and this machine come from, as AWS writes them.
 *
 * @throws SluiceError USAGE when nothing says so: to let in everybody is nobody's default
 */
export function adminNetworks({ up: { admin } }: AwsSettings): string[] {
  if (admin !== undefined) return admin.map(asNetwork)
  throw new SluiceError('USAGE', {
    subject: 'nothing says from where the hosts may be logged in to',
    at: 'the command line, --admin',
    advice:
      'name your network: --admin 203.0.113.7/32, or "aws": { "up": { "admin": ["203.0.113.7/32"] } } in sluice.config.json; curl https://checkip.amazonaws.com says your address',
  })
}

/** @throws SluiceError USAGE when there is none, or AWS does not take it */
export function readPublicKey({ up, identityFile }: AwsSettings, projectDirectory: string): string {
  const beside = identityFile === undefined ? [] : [`${identityFile}.pub`]
  const usual = ['id_ed25519.pub', 'id_rsa.pub'].map((name) => join(homedir(), '.ssh', name))
  const named = up.publicKey?.replace(/^~(?=\/)/, homedir())
  const candidates = named === undefined ? [...beside, ...usual] : [resolve(projectDirectory, named)]
  const file = candidates.find((path) => existsSync(path))
  const advice = 'ssh-keygen -t ed25519 makes one; --public-key or aws.up.publicKey names it'
  if (file === undefined) {
    throw new SluiceError('USAGE', {
      subject: 'there is no public key to let you in with',
      why: `looked for ${candidates.join(', ')}`,
      advice,
    })
  }
  const key = readFileSync(file, 'utf8').trim()
  if (/^(ssh-ed25519|ssh-rsa) [A-Za-z0-9+/]+=*( |$)/.test(key)) return key
  throw new SluiceError('USAGE', {
    subject: 'the file should be one public key of a kind that AWS takes: ssh-ed25519 or ssh-rsa',
    at: file,
    advice,
  })
}

function asNetwork(text: string): string {
  return text.includes('/') ? text : `${text}/${isIPv6(text) ? 128 : 32}`
}

/** The address that is so many behind the first one of a network. */
function addressIn(network: string, offset: number): string {
  return network.replace(/(\d+)\/\d+$/, (_, first: string) => String(Number(first) + offset))
}

function within(subnet: string, address: string, host: string): string {
  const [base = '', length = ''] = subnet.split('/')
  const block = new BlockList()
  block.addSubnet(base, Number(length), 'ipv4')
  if (block.check(address, 'ipv4')) return address
  throw new SluiceError('USAGE', {
    subject: `${address} is not in the subnet ${subnet}`,
    at: `sluice.config.json > aws > up > hosts > ${host}`,
    advice:
      'give the host an address of the subnet, from its fifth on: AWS keeps the first four and the last one',
  })
}
