import type { Duplex } from 'node:stream'
import { reasonOf, SluiceError } from '../errors.ts'
import type { Host } from '../inventory.ts'
import type { Secret } from '../secret.ts'
import type { Carrier } from './carrier.ts'
import type { Connection, Execution, UploadOptions } from './connection.ts'
import { SessionQueue } from './session-queue.ts'
import { Upload } from './upload.ts'

export interface ConnectionTraits {
  remark?: string | undefined
  becomePassword?: Secret | undefined
  /** Called once, when the connection has ended. */
  onEnd?: (() => void) | undefined
}

/** A connection over any transport. */
export class SshConnection implements Connection {
  readonly host: Host
  readonly remark: string | undefined
  readonly becomePassword: Secret | undefined
  readonly offeredKeys: readonly string[] | undefined
  readonly knownKeyTypes: readonly string[]
  readonly #carrier: Carrier
  readonly #sessions = new SessionQueue()

  constructor(host: Host, carrier: Carrier, { remark, becomePassword, onEnd }: ConnectionTraits = {}) {
    this.host = host
    this.remark = remark
    this.becomePassword = becomePassword
    this.offeredKeys = carrier.offeredKeys
    this.knownKeyTypes = carrier.knownKeyTypes
    this.#carrier = carrier
    void carrier.ended.then(onEnd)
  }

  execute(command: string, { input, onStdout, onStderr, urgent }: Execution): Promise<number | undefined> {
    return this.#sessions.run(async () => {
      const running = await this.#carrier.start(command)
      running.stdout.setEncoding('utf8').on('data', onStdout)
      running.stderr.setEncoding('utf8').on('data', onStderr)
      // A command may end before it has read all of its input.
      running.stdin.on('error', () => {})
      if (typeof input === 'string') running.stdin.end(input)
      else input.pipe(running.stdin)
      return running.exitCode
    }, urgent)
  }

  upload(localPath: string, remotePath: string, options: UploadOptions): Promise<void> {
    return this.#sessions.run(async () => {
      const upload = new Upload(this, localPath, remotePath, options)
      await upload.carryOut(await this.#carrier.start(upload.command))
    })
  }

  async forward(address: string, port: number): Promise<Duplex> {
    try {
      return await this.#carrier.forward(address, port)
    } catch (error) {
      const reason = error instanceof SluiceError ? error.why : undefined
      throw new SluiceError('PROBE_REFUSED', {
        subject: `${this.host.name} does not get through to ${address}:${port}`,
        why: reason ?? reasonOf(error),
        advice: `see on the host whether something listens there, and whether sshd allows forwarding to it (PermitOpen)`,
        cause: error,
      })
    }
  }

  close(): void {
    this.#carrier.close()
  }
}
