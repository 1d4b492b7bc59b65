import { SluiceError } from '../errors.ts'
import { type Host, noPort } from '../inventory.ts'

/** `address:port` as a person writes it; what has no port is its address alone. */
export function placeOf({ address, port }: Pick<Host, 'address' | 'port'>): string {
  if (port === noPort) return address
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

export function lost(reason: string): SluiceError {
  return new SluiceError('CONNECTION_LOST', {
    subject: 'the SSH connection ended while it was needed',
    why: reason,
    advice: 'run again: what was applied is kept, and the run goes on from there',
  })
}

export function loginRefused(host: Host, why: string, cause?: unknown): SluiceError {
  return new SluiceError('LOGIN_REFUSED', {
    subject: `${placeOf(host)} refused every key for the user ${host.user}`,
    why,
    advice: `see that the key ${host.identityFile ?? 'in your agent or ~/.ssh'} is in ~${host.user}/.ssh/authorized_keys on the host`,
    cause,
  })
}

/** A host that nothing came of, as the words of the operating system, of ssh2 or of OpenSSH tell it. */
export function unreachable(host: Host, why: string, timeoutMs: number, cause?: unknown): SluiceError {
  return new SluiceError('HOST_UNREACHABLE', { ...whatCame(host, why, timeoutMs), why, cause })
}

function whatCame(host: Host, why: string, timeoutMs: number): { subject: string; advice: string } {
  if (/ENOTFOUND|EAI_AGAIN|Could not resolve hostname/.test(why)) {
    return {
      subject: `${host.address} is a name without an address`,
      advice: 'check the address in the inventory, and whether this machine can look up names',
    }
  }
  if (/ECONNREFUSED|Connection refused/.test(why)) {
    return {
      subject: `${placeOf(host)} refused the connection`,
      advice: `check that sshd runs on the host and listens on port ${host.port}`,
    }
  }
  if (/before handshake|ECONNRESET|Connection (?:closed|reset) by/.test(why)) {
    return {
      subject: `${placeOf(host)} ended the connection before SSH began`,
      advice: `check that it is sshd that listens on port ${host.port}, and that it does not turn this machine away`,
    }
  }
  return {
    subject: `${placeOf(host)} did not answer by SSH within ${timeoutMs / 1000} s`,
    advice: `check that the host is up and that port ${host.port} is open to this machine`,
  }
}

/** The two sides have no algorithm in common: the one reason for which another transport is worth trying. */
export class NoCommonAlgorithm extends SluiceError {
  constructor(host: Host, why: string, cause?: unknown) {
    super('HOST_UNREACHABLE', {
      subject: `${placeOf(host)} and the controller agree on no SSH algorithm`,
      why,
      advice: 'see with ssh -vv which algorithms the host offers, and with ssh -Q kex which this machine has',
      cause,
    })
  }
}
