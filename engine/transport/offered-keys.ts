import ssh2, { type ParsedKey, type SignCallback, type SigningRequestOptions } from 'ssh2'
import { keyFingerprint } from './host-keys.ts'

/** What is offered at a login by the library in this process. */
export interface Credentials {
  privateKey?: string
  passphrase?: string
  agent?: NotingAgent
}

/** The SSH agent, with a note of what it was asked for: the library does not tell which key let it in. */
export class NotingAgent extends ssh2.OpenSSHAgent {
  readonly #held: string[] = []
  #signed: string | undefined

  /** Fingerprints of the keys that were offered, the last of them being the one that it signed with. */
  get offered(): string[] | undefined {
    return this.#signed === undefined ? undefined : this.#held.slice(0, this.#held.indexOf(this.#signed) + 1)
  }

  override getIdentities(tell: Parameters<ssh2.OpenSSHAgent['getIdentities']>[0]): void {
    super.getIdentities((error, keys) => {
      this.#held.push(...(keys ?? []).flatMap((key) => ('getPublicSSH' in key ? [fingerprintOf(key)] : [])))
      tell(error, keys)
    })
  }

  override sign(
    key: ParsedKey | Buffer | string,
    text: Buffer,
    options?: SigningRequestOptions | SignCallback,
    done?: SignCallback,
  ): boolean {
    if (typeof key === 'object' && 'getPublicSSH' in key) this.#signed = fingerprintOf(key)
    return typeof options === 'function'
      ? super.sign(key, text, options)
      : super.sign(key, text, options, done)
  }
}

/**
 * Fingerprints of the public keys that a login took, in the order in which they were offered: the last one let us in.
 * `undefined` where that cannot be told.
 */
export function offeredKeys({ privateKey, passphrase, agent }: Credentials): string[] | undefined {
  const ofFile = privateKey === undefined ? [] : publicHalfOf(privateKey, passphrase)
  const ofAgent = agent?.offered
  if (ofAgent !== undefined) return [...ofFile, ...ofAgent]
  return ofFile.length > 0 ? ofFile : undefined
}

function publicHalfOf(privateKey: string, passphrase: string | undefined): string[] {
  const parsed: ParsedKey | ParsedKey[] | Error = ssh2.utils.parseKey(privateKey, passphrase)
  return parsed instanceof Error ? [] : [parsed].flat().slice(0, 1).map(fingerprintOf)
}

const fingerprintOf = (key: ParsedKey) => keyFingerprint(key.getPublicSSH())
