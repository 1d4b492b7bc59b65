import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { reasonOf, SluiceError } from '../errors.ts'
import type { Host } from '../inventory.ts'
import type { Secret } from '../secret.ts'

/** Asks whoever runs this for the passphrase of a key file; `undefined` where nobody can be asked. */
export type AskPassphrase = (file: string) => Promise<Secret | undefined>

/** What `ssh-add -L` ends with then, and with 2 where the agent does not answer. */
const agentIsEmpty = 1

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

/** A host as far as its private key goes. */
export interface KeyHost {
  name: string
  identityFile?: string | undefined
}

/** @throws SluiceError KEY_UNUSABLE when the file cannot be read */
export function readKeyFile(path: string, host: KeyHost): KeyFile {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new SluiceError('KEY_UNUSABLE', {
      subject: `the private key ${path} cannot be read`,
      at: host.name,
      why: reasonOf(error),
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

/**
 * The private key file that is tried on a host: the one that the inventory names, else the first of the usual ones; none
 * where only an agent is asked.
 *
 * @throws SluiceError KEY_UNUSABLE when there is neither, or the file cannot be read
 */
export function keyFileOf(host: KeyHost): KeyFile | undefined {
  const path = host.identityFile ?? usualKeyFiles().find((file) => existsSync(file))
  if (path !== undefined) return readKeyFile(path, host)
  if (agentSocket() !== undefined) return undefined
  throw noKey(host, 'no SSH agent is running')
}

/**
 * Refuses hosts that nobody could log in to, as far as that can be told before they are there.
 *
 * @param publicKey the one that they will let in, as a line of `authorized_keys`
 * @throws SluiceError KEY_UNUSABLE when there is no private key, or only others than that of the public one
 */
export async function ensureKey(host: KeyHost, publicKey: string): Promise<void> {
  const file = keyFileOf(host)
  const held = await agentKeys()
  if (file === undefined && held?.length === 0) throw noKey(host, 'the SSH agent holds no key')
  const [, letIn = ''] = publicKey.split(' ')
  // A file that is named is tried alone.
  const others = host.identityFile === undefined ? held : []
  const unknown = others === undefined || (file !== undefined && file.publicKey === undefined)
  if (unknown || [file?.publicKey, ...others].includes(letIn)) return
  throw new SluiceError('KEY_UNUSABLE', {
    subject: 'the hosts would let in a public key whose private half is not what would be tried on them',
    at: host.name,
    why: `tried would be ${file?.path ?? 'the keys of the SSH agent'}, and they let in ${publicKey}`,
    advice:
      'name the private half as identityFile in the inventory (ssh-add adds it to an agent), or the public key of the one that is there',
  })
}

/** Whether the running agent holds a key, so that its file need not be opened. */
export async function agentHolds({ publicKey }: KeyFile): Promise<boolean> {
  return publicKey !== undefined && ((await agentKeys())?.includes(publicKey) ?? false)
}

/** The public keys of those that the agent holds, as base64; `undefined` where one runs that does not say. */
async function agentKeys(): Promise<string[] | undefined> {
  if (agentSocket() === undefined) return []
  const { $ } = await import('zx')
  const { stdout, exitCode } = await $({ quiet: true, nothrow: true })`ssh-add -L`
  if (exitCode === agentIsEmpty) return []
  return exitCode === 0 ? stdout.split('\n').flatMap((line) => line.split(' ')[1] ?? []) : undefined
}

function noKey(host: KeyHost, agent: string): SluiceError {
  return new SluiceError('KEY_UNUSABLE', {
    subject: `there is no key to log in with to ${host.name}`,
    why: `the inventory names no identityFile, ${agent}, and none of ${usualKeyFiles().join(', ')} is there`,
    advice:
      'name a private key file as identityFile in the inventory, or start an agent and add the key to it (ssh-add)',
  })
}

/** The socket of the SSH agent, where one runs. */
export function agentSocket(): string | undefined {
  const { SSH_AUTH_SOCK } = process.env
  return SSH_AUTH_SOCK === '' ? undefined : SSH_AUTH_SOCK
}

/**
 * The passphrase of an encrypted key that no agent holds.
 *
 * @throws SluiceError KEY_UNUSABLE when nobody can be asked
 */
export async function passphraseFor(
  { path }: KeyFile,
  host: Host,
  ask: AskPassphrase | undefined,
): Promise<Secret> {
  const passphrase = await ask?.(path)
  if (passphrase !== undefined) return passphrase
  throw new SluiceError('KEY_UNUSABLE', {
    subject: `the private key ${path} is encrypted, and nobody is there to type its passphrase`,
    at: host.name,
    advice: `add it to an SSH agent (ssh-add ${path}), or run this in a terminal to be asked`,
  })
}

export function wrongPassphrase(path: string, cause?: unknown): SluiceError {
  return new SluiceError('KEY_UNUSABLE', {
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
