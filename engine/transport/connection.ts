import type { Duplex, Readable } from 'node:stream'
import type { Facts } from '../facts.ts'
import type { Host } from '../inventory.ts'
import type { Secret } from '../secret.ts'

export interface Execution {
  /** Written to the command's standard input, which is closed after it. */
  input: string | Readable
  onStdout(text: string): void
  onStderr(text: string): void
  /** Does not wait until others on the connection have ended: for what ends one of these. */
  urgent?: boolean
}

export interface UploadOptions {
  onProgress?(sentBytes: number): void
  /** How long nothing may arrive before it is given up. */
  stallSeconds?: number
}

/** One verified, authenticated way to one host. All that the engine does to a host goes through these. */
export interface Connection {
  readonly host: Host
  /** What is worth knowing about the way that was taken: that and why it is not the first choice. */
  readonly remark?: string | undefined
  /** Fingerprints of the keys that the login took, in order; the last of them let us in. */
  readonly offeredKeys?: readonly string[] | undefined
  /** The types of the host keys on record, of which the host must show one. */
  readonly knownKeyTypes?: readonly string[]
  /** For sudo, where it wants one. */
  readonly becomePassword?: Secret | undefined
  /** What is known without asking, of what is no machine with a shell; no guard can have been left there either. */
  readonly facts?: Facts | undefined
  /**
   * Runs a command line in the login user's shell. More at once than the host allows wait for one another.
   *
   * @returns its exit code; `undefined` when a signal ended it
   * @throws SluiceError CONNECTION_LOST when the connection ends first
   */
  execute(command: string, execution: Execution): Promise<number | undefined>
  /**
   * Copies a local file to `remotePath`, as the login user, with mode 0600.
   *
   * @throws SluiceError STEP_TIMEOUT when it stands still; what had arrived is then gone
   */
  upload(localPath: string, remotePath: string, options: UploadOptions): Promise<void>
  /** A stream to a TCP port that the host can reach. */
  forward(address: string, port: number): Promise<Duplex>
  close(): void
}
