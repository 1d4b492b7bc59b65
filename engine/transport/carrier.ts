import type { Duplex, Readable, Writable } from 'node:stream'

/** A command that runs on a host. */
export interface RunningCommand {
  stdin: Writable
  stdout: Readable
  stderr: Readable
  /**
   * Its exit code, once all of its output has been read; `undefined` when a signal ended it.
   * Rejects with SessionRefused when it never ran, with CONNECTION_LOST when the connection ended first.
   */
  exitCode: Promise<number | undefined>
}

/** What a transport must be able to do; everything else about a connection is the same for all of them. */
export interface Carrier {
  /** @throws SessionRefused, SluiceError CONNECTION_LOST */
  start(command: string): Promise<RunningCommand>
  /** @throws Error with the host's reason as its message */
  forward(address: string, port: number): Promise<Duplex>
  /** Settles when the connection has ended, for whatever reason. */
  readonly ended: Promise<void>
  /** Fingerprints of the keys that the login took, the last of which let us in; `undefined` where that is not known. */
  readonly offeredKeys: readonly string[] | undefined
  /** The types of the host keys on record, of which the host must show one; none when nothing was on record. */
  readonly knownKeyTypes: readonly string[]
  close(): void
}

/** The host opens no further session on this connection for now (MaxSessions). */
export class SessionRefused extends Error {
  override readonly name = 'SessionRefused'
}
