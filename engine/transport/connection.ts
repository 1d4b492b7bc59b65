import type { Duplex } from 'node:stream'
import type { Host } from '../inventory.ts'

export interface Execution {
  /** Written to the command's standard input, which is then closed. */
  input: string
  onStdout(text: string): void
  onStderr(text: string): void
}

/** One verified, authenticated way to one host. All that the engine does to a host goes through these. */
export interface Connection {
  readonly host: Host
  /**
   * Runs a command line in the login user's shell.
   *
   * @returns its exit code; `undefined` when a signal ended it
   * @throws SluiceError CONNECTION_LOST when the connection ends first
   */
  execute(command: string, execution: Execution): Promise<number | undefined>
  /** Copies a local file to `remotePath`, as the login user, with mode 0600. */
  upload(localPath: string, remotePath: string, onProgress: (sentBytes: number) => void): Promise<void>
  /** A stream to a TCP port that the host can reach. */
  forward(address: string, port: number): Promise<Duplex>
  close(): void
}
