import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import type { Duplex } from 'node:stream'
import { SluiceError } from '../errors.ts'
import type { Host } from '../inventory.ts'
import type { Secret } from '../secret.ts'
import type { Carrier, RunningCommand } from './carrier.ts'
import type { Connection, Execution } from './connection.ts'
import { SessionQueue } from './session-queue.ts'

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
  readonly #carrier: Carrier
  readonly #sessions = new SessionQueue()

  constructor(host: Host, carrier: Carrier, { remark, becomePassword, onEnd }: ConnectionTraits = {}) {
    this.host = host
    this.remark = remark
    this.becomePassword = becomePassword
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

  async upload(
    localPath: string,
    remotePath: string,
    onProgress: (sentBytes: number) => void,
  ): Promise<void> {
    const name = Buffer.from(remotePath)
    const { exitCode, size, said, sent } = await this.#sessions.run(async () => {
      const running = await this.#carrier.start(receiver(name.length))
      return send(running, name, localPath, onProgress)
    })
    if (exitCode === 0 && size === sent) return
    throw new SluiceError('STEP_FAILED', {
      subject: `could not copy a file to ${remotePath}`,
      why: said.trim() || `${size} of ${sent} bytes arrived, exit code ${exitCode ?? 'none'}`,
      advice: 'see with df whether the host has room, then run again',
    })
  }

  async forward(address: string, port: number): Promise<Duplex> {
    try {
      return await this.#carrier.forward(address, port)
    } catch (error) {
      const reason = error instanceof SluiceError ? error.why : undefined
      throw new SluiceError('PROBE_REFUSED', {
        subject: `${this.host.name} does not get through to ${address}:${port}`,
        why: reason ?? (error instanceof Error ? error.message : String(error)),
        advice: `see on the host whether something listens there, and whether sshd allows forwarding to it (PermitOpen)`,
        cause: error,
      })
    }
  }

  close(): void {
    this.#carrier.close()
  }
}

/**
 * Takes a file from standard input, after the name to give it, in `nameBytes` bytes: so that no login shell ever sees
 * the name. What was there is replaced, never written into, and nobody else can read the file at any time.
 */
function receiver(nameBytes: number): string {
  return `exec sh -c 'umask 077; name=$(dd bs=1 count=${nameBytes} 2>/dev/null; echo x); name=\${name%x}; set -C; rm -f -- "$name" && cat > "$name" && wc -c < "$name"'`
}

async function send(
  { stdin, stdout, stderr, exitCode }: RunningCommand,
  name: Buffer,
  localPath: string,
  onProgress: (sentBytes: number) => void,
): Promise<{ exitCode: number | undefined; size: number; said: string; sent: number }> {
  let answer = ''
  let said = ''
  let ended = false
  stdout.setEncoding('utf8').on('data', (text) => {
    answer += text
  })
  stderr.setEncoding('utf8').on('data', (text) => {
    said += text
  })
  stdin.on('error', () => {})
  const end = exitCode.finally(() => {
    ended = true
  })
  end.catch(() => {})
  let sent = 0
  stdin.write(name)
  for await (const chunk of createReadStream(localPath, { highWaterMark: 262_144 })) {
    // The host may have given up, with a full disk: it then says why.
    if (ended) break
    sent += chunk.length
    if (!stdin.write(chunk)) await Promise.race([once(stdin, 'drain').catch(() => end), end])
    onProgress(sent)
  }
  stdin.end()
  const code = await end
  // A login shell's start-up files may print before the answer.
  return { exitCode: code, size: Number(answer.trim().split('\n').at(-1)), said, sent }
}
