import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { SluiceError } from '../errors.ts'
import type { Host } from '../inventory.ts'
import type { Secret } from '../secret.ts'

/** Asks whoever runs this for the passphrase of a key file; `undefined` where nobody can be asked. */
export type AskPassphrase = (file: string) => Promise<Secret | undefined>

/** A private key file, as far as it can be told without its passphrase. */
export interface KeyFile {
  path: string
  text: string
  encrypted: boolean
  /** The public key as base64, where the file or the `.pub` beside it has it. */
  publicKey: string | undefined
  /** Such as `ssh-ed25519`, or `sk-ssh-ed25519@openssh.com` for one that lives in a security key. */
  type: string | undefined
}

/** @throws SluiceError LOGIN_REFUSED when the file cannot be read */
export function readKeyFile(path: string, host: Host): KeyFile {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new SluiceError('LOGIN_REFUSED', {
      subject: `the private key ${path} cannot be read`,
      at: host.name,
      why: String(error),
      advice: 'correct identityFile in the inventory, or the file it names',
      cause: error,
    })
  }
  const inside = openSshKey(text)
  if (inside !== undefined) return { path, text, ...inside }
  const beside = existsSync(`${path}.pub`) ? readFileSync(`${path}.pub`, 'utf8').split(' ') : []
  const encrypted = /^Proc-Type: 4,ENCRYPTED|^-----BEGIN ENCRYPTED|^Encryption: (?!none)/m.test(text)
  return { path, text, encrypted, publicKey: beside[1]?.trim(), type: beside[0] }
}

/** The key files that are tried when nobody names one. */
export function usualKeyFiles(): string[] {
  return ['id_ed25519', 'id_ecdsa', 'id_rsa'].map((name) => join(homedir(), '.ssh', name))
}

/** Whether the running agent holds a key, so that its file need not be opened. */
export async function agentHolds({ publicKey }: KeyFile): Promise<boolean> {
  if (publicKey === undefined || agentSocket() === undefined) return false
  const { $ } = await import('zx')
  const { stdout } = await $({ quiet: true, nothrow: true })`ssh-add -L`
  return stdout.split('\n').some((line) => line.split(' ')[1] === publicKey)
}

/** The socket of the SSH agent, where one runs. */
export function agentSocket(): string | undefined {
  const { SSH_AUTH_SOCK } = process.env
  return SSH_AUTH_SOCK === '' ? undefined : SSH_AUTH_SOCK
}

/**
 * The passphrase of an encrypted key that no agent holds.
 *
 * @throws SluiceError LOGIN_REFUSED when nobody can be asked
 */
export async function passphraseFor(
  { path }: KeyFile,
  host: Host,
  ask: AskPassphrase | undefined,
): Promise<Secret> {
  const passphrase = await ask?.(path)
  if (passphrase !== undefined) return passphrase
  throw new SluiceError('LOGIN_REFUSED', {
    subject: `the private key ${path} is encrypted, and nobody is there to type its passphrase`,
    at: host.name,
    advice: `add it to an SSH agent (ssh-add ${path}), or run this in a terminal to be asked`,
  })
}

export function wrongPassphrase(path: string, cause?: unknown): SluiceError {
  return new SluiceError('LOGIN_REFUSED', {
    subject: `the passphrase does not open the private key ${path}`,
    advice: `run again and type it anew, or add the key to an SSH agent (ssh-add ${path})`,
    cause,
  })
}

/**
 * What an unencrypted header of OpenSSH's own format says (PROTOCOL.key): cipher, key derivation and its options,
 * number of keys, public key.
 */
function openSshKey(text: string): Pick<KeyFile, 'encrypted' | 'publicKey' | 'type'> | undefined {
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([^-]*)-----END/.exec(text)?.[1]
  if (body === undefined) return undefined
  const bytes = Buffer.from(body, 'base64')
  let at = 'openssh-key-v1\0'.length
  const field = () => {
    if (at + 4 > bytes.length) return Buffer.alloc(0)
    const start = at + 4
    at = start + bytes.readUInt32BE(at)
    return bytes.subarray(start, at)
  }
  const cipher = field().toString('latin1')
  field()
  field()
  at += 4
  const key = field()
  const type = key.length < 4 ? undefined : key.subarray(4, 4 + key.readUInt32BE(0)).toString('latin1')
  return { encrypted: cipher !== 'none', publicKey: key.toString('base64'), type }
}
