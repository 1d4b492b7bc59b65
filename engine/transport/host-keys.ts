import { createHash } from 'node:crypto'
import { appendFileSync, existsSync, mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { SluiceError } from '../errors.ts'
import type { Host } from '../inventory.ts'

/** What vouches for host keys: the inventory, else the project's known-hosts file, else the user's. */
export interface HostKeys {
  /** The keys on record for a host, as `type base64`. */
  of(host: Host): Promise<string[]>
  /** Judges the key that a host shows; `undefined` is "it is the one". */
  verify(host: Host, known: readonly string[], key: Buffer): SluiceError | undefined
  /** Where accepted keys are kept. */
  readonly knownHostsFile: string
  /** Whether the key of a host that has none on record is taken and recorded. */
  readonly acceptNew: boolean
}

export interface HostKeyOptions {
  /** Where accepted keys are kept, one line each, in OpenSSH's form. */
  knownHostsFile: string
  /** Take and record the key of a host that has none on record. A changed key is refused all the same. */
  acceptNew: boolean
}

export function hostKeys({ knownHostsFile, acceptNew }: HostKeyOptions): HostKeys {
  const files = [knownHostsFile, join(homedir(), '.ssh', 'known_hosts'), '/etc/ssh/ssh_known_hosts']
  return {
    knownHostsFile,
    acceptNew,

    async of(host) {
      if (host.hostKeys.length > 0) return host.hostKeys
      for (const file of files) {
        const keys = await keysIn(file, host)
        if (keys.length > 0) return keys
      }
      // As OpenSSH does: a host that moved to another port still has its key.
      if (host.port !== 22) return this.of({ ...host, port: 22 })
      return []
    },

    verify(host, known, key) {
      const shown = `${keyType(key)} ${key.toString('base64')}`
      if (known.some((line) => line.split(' ').slice(0, 2).join(' ') === shown)) return undefined
      const seen = `${keyType(key)} ${keyFingerprint(key)}`
      if (known.length > 0) return keyChanged(host, known, seen)
      if (!acceptNew) return keyUnknown(host, seen)
      mkdirSync(dirname(knownHostsFile), { recursive: true })
      appendFileSync(knownHostsFile, `${knownHostsName(host)} ${shown}\n`, { mode: 0o600 })
      return undefined
    },
  }
}

/** `SHA256:…` as `ssh-keygen -l` shows it. */
export function keyFingerprint(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`
}

/** The algorithm name that an SSH public key blob begins with (RFC 4253, 6.6). */
function keyType(key: Buffer): string {
  return key.subarray(4, 4 + key.readUInt32BE(0)).toString('ascii')
}

/** The types of keys on record, each once. */
export function typesOf(known: readonly string[]): string[] {
  return [...new Set(known.map((key) => key.split(' ')[0] ?? ''))]
}

/** What a host is called in a known-hosts file. */
export function knownHostsName({ address, port }: Pick<Host, 'address' | 'port'>): string {
  return port === 22 ? address : `[${address}]:${port}`
}

/** ssh-keygen knows every form of these files, hashed names included. */
async function keysIn(file: string, host: Host): Promise<string[]> {
  if (!existsSync(file)) return []
  const { $ } = await import('zx')
  const found = await $({ quiet: true, nothrow: true })`ssh-keygen -F ${knownHostsName(host)} -f ${file}`
  return found.stdout
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#') && !line.startsWith('@'))
    .map((line) => line.split(' ').slice(1, 3).join(' '))
}

/** @param seen the type and the fingerprint of the key that the host showed */
export function keyUnknown(host: Host, seen: string): SluiceError {
  return new SluiceError('HOST_KEY_UNKNOWN', {
    subject: `nothing vouches for the key of ${host.name}: ${seen}`,
    at: host.name,
    advice:
      'compare it with the one on the host (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub) and put it into the inventory as hostKeys, or run once with --accept-new-host-keys',
  })
}

/** @param seen the type and the fingerprint of the key that the host showed */
export function keyChanged(host: Host, known: readonly string[], seen: string): SluiceError {
  const onRecord = known.map((line) => {
    const [type = '', base64 = ''] = line.split(' ')
    return `${type} ${keyFingerprint(Buffer.from(base64, 'base64'))}`
  })
  return new SluiceError('HOST_KEY_CHANGED', {
    subject: `${host.name} shows ${seen}, not the key on record`,
    at: host.name,
    why: `on record: ${onRecord.join(', ')}; the host was made anew, or something answers in its place`,
    advice:
      'find out which; if the host was made anew, replace the key in the inventory or the known-hosts file',
  })
}
