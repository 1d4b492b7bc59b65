import type { Host } from '../inventory.ts'
import { quote } from '../shell.ts'
import { type CarrierOptions, keepAliveTries } from './node-ssh.ts'

/** The name of the host in the known-hosts file that is made for one connection. */
export const keyAlias = 'sluice'

export interface MasterPlace {
  controlPath: string
  /** The keys on record; `undefined` when there are none. */
  knownHostsFile: string | undefined
  /** Whether ssh may ask nothing at all. */
  unattended: boolean
}

/**
 * The command line of the ssh that holds a connection. What it does not say is as the user's own configuration has it.
 *
 * @param through the control path of the connection to the host that this one is behind
 */
export function masterWords(
  host: Host,
  place: MasterPlace,
  { hostKeys, timeoutMs, keepAliveMs }: CarrierOptions,
  through: string | undefined,
): string[] {
  const settings = {
    ControlMaster: 'yes',
    ControlPath: pathOption(place.controlPath),
    ControlPersist: 'no',
    ConnectTimeout: seconds(timeoutMs),
    ConnectionAttempts: '1',
    ServerAliveInterval: seconds(keepAliveMs),
    ServerAliveCountMax: String(keepAliveTries),
    BatchMode: place.unattended ? 'yes' : 'no',
    ...nothingElse,
    ...keyChecking(place, hostKeys),
    ...(host.identityFile !== undefined && { IdentitiesOnly: 'yes' }),
    ...(through !== undefined && { ProxyCommand: proxyCommand(through) }),
  }
  return [
    ...['ssh', '-v', '-N', '-T', '-l', host.user, '-p', String(host.port)],
    ...(host.identityFile === undefined ? [] : ['-i', host.identityFile]),
    ...Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
    ...['--', host.address],
  ]
}

/** ssh as a client of a master: when that is gone it fails, instead of connecting by itself. */
export function muxWords(controlPath: string): string[] {
  return ['ssh', '-F', 'none', '-T', '-S', controlPath.replaceAll('%', '%%'), '-o', 'ProxyCommand=false']
}

/** What a user may have for logging in by hand, and what has no place here. */
const nothingElse = {
  PasswordAuthentication: 'no',
  KbdInteractiveAuthentication: 'no',
  NumberOfPasswordPrompts: '1',
  ClearAllForwardings: 'yes',
  ForwardAgent: 'no',
  ForwardX11: 'no',
  PermitLocalCommand: 'no',
  RemoteCommand: 'none',
  Tunnel: 'no',
  UpdateHostKeys: 'no',
  CheckHostIP: 'no',
  VerifyHostKeyDNS: 'no',
}

/** With no key on record, what the user's configuration trusts may vouch for the host: an authority, a command. */
function keyChecking(
  { knownHostsFile }: MasterPlace,
  { acceptNew, knownHostsFile: recordedIn }: CarrierOptions['hostKeys'],
): Record<string, string> {
  if (knownHostsFile !== undefined) {
    return {
      StrictHostKeyChecking: 'yes',
      HostKeyAlias: keyAlias,
      UserKnownHostsFile: pathOption(knownHostsFile),
      GlobalKnownHostsFile: '/dev/null',
      KnownHostsCommand: 'none',
    }
  }
  if (!acceptNew) return { StrictHostKeyChecking: 'yes' }
  return {
    StrictHostKeyChecking: 'accept-new',
    HashKnownHosts: 'no',
    UserKnownHostsFile: pathOption(recordedIn),
  }
}

/** Paths in options may hold `%` tokens and be lists of words. */
function pathOption(path: string): string {
  return `"${path.replaceAll('%', '%%')}"`
}

function seconds(milliseconds: number): string {
  return String(Math.ceil(milliseconds / 1000))
}

function proxyCommand(controlPath: string): string {
  const words = muxWords(controlPath).map((word) => quote(word).replaceAll('%', '%%'))
  return [...words, '-W', "'[%h]:%p'", '--', 'host'].join(' ')
}
