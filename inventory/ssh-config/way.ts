import { userInfo } from 'node:os'
import { join } from 'node:path'
import { SluiceError } from '../../engine/errors.ts'
import type { Host } from '../../engine/inventory.ts'
import { hostKeys } from '../../engine/transport/host-keys.ts'
import type { SshSettings } from './answer.ts'
import { type AskOptions, askSsh, type Destination } from './ask.ts'
import { identityOf } from './identity.ts'
import { NoJump, readJumps } from './proxy-jump.ts'

export interface WayOptions extends AskOptions {
  projectDirectory: string
}

/** How a host is reached. */
export type Way = Pick<Host, 'address' | 'port' | 'user' | 'hostKeys'> &
  Partial<Pick<Host, 'identityFile' | 'transport' | 'jump'>>

export interface Found {
  way: Way
  /** Keywords of the configuration for which it must be ssh itself that connects. */
  onlySsh: string[]
}

/** With one of these values, or without any, the built-in client does the same as ssh. */
const sameWithout: [keyword: keyof SshSettings, name: string, harmless: (string | undefined)[]][] = [
  ['proxycommand', 'ProxyCommand', ['none']],
  ['identityagent', 'IdentityAgent', ['SSH_AUTH_SOCK', process.env.SSH_AUTH_SOCK]],
  ['pkcs11provider', 'PKCS11Provider', ['none']],
  ['knownhostscommand', 'KnownHostsCommand', ['none']],
  ['bindaddress', 'BindAddress', []],
  ['bindinterface', 'BindInterface', []],
  ['addressfamily', 'AddressFamily', ['any']],
  ['canonicalizehostname', 'CanonicalizeHostname', ['no', 'false']],
]

/** More than anybody goes through, and few enough to end. */
const mostJumps = 8

/**
 * How ssh would reach a host: asked of ssh itself, with the hosts that it would go through.
 *
 * @throws SluiceError INVENTORY_INVALID
 */
export async function wayTo(destination: Destination, options: WayOptions): Promise<Found> {
  return wayAlong(destination, options, [])
}

/**
 * The host at the end of several that are gone through one after the other; `undefined` when there are none.
 *
 * @param behind the names of the hosts that are then behind it, to find out when it goes in a circle
 */
export async function jumpAlong(
  hops: readonly (Destination & { identityFile?: string | undefined })[],
  options: WayOptions,
  behind: readonly string[] = [],
): Promise<Host | undefined> {
  let jump: Host | undefined
  for (const { identityFile, ...hop } of hops) {
    const { way } = await wayAlong(hop, options, behind, jump)
    jump = {
      name: nameOf(hop),
      ...way,
      ...(identityFile !== undefined && { identityFile }),
      privateAddresses: [way.address],
      groups: [],
      variables: {},
    }
  }
  return jump
}

async function wayAlong(
  destination: Destination,
  options: WayOptions,
  behind: readonly string[],
  through?: Host,
): Promise<Found> {
  const { name } = destination
  const [settings, usual] = await Promise.all([askSsh(destination, options), usualIdentityFiles()])
  const identity = identityOf(settings, name, usual)
  const onlySsh = [
    ...onlySshSettings(settings).filter((keyword) => keyword !== 'ProxyCommand' || through === undefined),
    ...('onlySsh' in identity ? [identity.onlySsh] : []),
  ]
  const { hostname, port, user } = settings
  if (onlySsh.length > 0) {
    if (options.file !== undefined) throw onlyInOwnFile(name, options.file, onlySsh)
    // By this name, so that ssh finds in its configuration what it is needed for.
    const keys = await keysOnRecord(settings, options)
    const way: Way = { address: name, port, user, transport: 'openssh', hostKeys: keys }
    return { way: { ...way, ...(through !== undefined && { jump: through }) }, onlySsh }
  }
  const jump = through ?? (await ownJump(name, settings, options, behind))
  const otherRecord = settings.hostkeyalias !== undefined || settings.userknownhostsfile.some(isUnusual)
  const way: Way = {
    address: hostname,
    port,
    user,
    hostKeys: otherRecord ? await keysOnRecord(settings, options) : [],
    ...('file' in identity && identity.file !== undefined && { identityFile: identity.file }),
    ...(jump !== undefined && { jump }),
  }
  return { way, onlySsh }
}

let unconfigured: Promise<SshSettings> | undefined

/** Which they are differs between versions of ssh. */
async function usualIdentityFiles(): Promise<string[]> {
  unconfigured ??= askSsh({ name: 'localhost' }, { file: 'none' })
  return (await unconfigured).identityfile
}

async function ownJump(
  name: string,
  { proxyjump }: SshSettings,
  options: WayOptions,
  behind: readonly string[],
): Promise<Host | undefined> {
  if (proxyjump === undefined) return undefined
  const at = `${options.file ?? 'the configuration of ssh'} > ${name} > ProxyJump`
  const way = [...behind, name]
  if (behind.includes(name) || way.length > mostJumps) {
    throw new SluiceError('INVENTORY_INVALID', {
      subject: `the way to ${way[0]} goes in a circle: ${way.join(', through ')}`,
      at,
      advice: `give ${name} a Host of its own with ProxyJump none, before the one that is for all`,
    })
  }
  try {
    return await jumpAlong(readJumps(proxyjump), options, way)
  } catch (error) {
    if (!(error instanceof NoJump)) throw error
    const advice = `correct it; ssh -G ${name} shows what ssh makes of it`
    throw new SluiceError('INVENTORY_INVALID', { subject: error.message, at, advice, cause: error })
  }
}

function onlySshSettings(settings: SshSettings): string[] {
  const single = sameWithout.flatMap(([keyword, name, harmless]) => {
    const value = settings[keyword]
    return value === undefined || harmless.includes(String(value)) ? [] : [name]
  })
  const certificates = settings.certificatefile.filter((file) => file !== 'none')
  return [...single, ...(certificates.length > 0 ? ['CertificateFile'] : [])]
}

/** The keys of a host under the name, and in the files, that ssh looks for. */
async function keysOnRecord(settings: SshSettings, { projectDirectory }: WayOptions): Promise<string[]> {
  const { hostname, port, hostkeyalias, userknownhostsfile } = settings
  const named = { address: hostkeyalias ?? hostname, port: hostkeyalias === undefined ? port : 22 }
  const files = [
    join(projectDirectory, '.sluice', 'known_hosts'),
    ...userknownhostsfile.flatMap((list) => list.split(' ')),
  ]
  for (const file of files) {
    const recorded = hostKeys({ knownHostsFile: file, acceptNew: false })
    const keys = await recorded.of({ ...nobody, ...named })
    if (keys.length > 0) return keys
  }
  return []
}

const nobody = { name: '', user: '', hostKeys: [], privateAddresses: [], groups: [], variables: {} }

/** Whether ssh keeps host keys elsewhere than where Sluice looks for them anyway. */
function isUnusual(files: string): boolean {
  const usual = ['known_hosts', 'known_hosts2'].map((name) => join(userInfo().homedir, '.ssh', name))
  return files.split(' ').some((file) => !usual.includes(file))
}

function nameOf({ name, user, port }: Destination): string {
  const place = name.includes(':') ? `[${name}]` : name
  return `${user === undefined ? '' : `${user}@`}${place}${port === undefined ? '' : `:${port}`}`
}

function onlyInOwnFile(name: string, file: string, keywords: readonly string[]): SluiceError {
  return new SluiceError('INVENTORY_INVALID', {
    subject: `${name} needs ssh itself, for ${keywords.join(', ')}, and ssh reads its own configuration then`,
    at: file,
    advice: `put "Include ${file}" into ~/.ssh/config, and leave sshConfig.file out`,
  })
}
