import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { basename } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { SluiceError } from '../errors.ts'
import type { RunningCommand } from './carrier.ts'
import type { Connection, UploadOptions } from './connection.ts'

const usualStallSeconds = 60
const answerSeconds = 10

/** Reads a name from standard input, in so many bytes: so that no login shell ever sees it. */
const readsName = (bytes: number) =>
  `umask 077; name=$(dd bs=1 count=${bytes} 2>/dev/null; echo x); name=\${name%x}`

/**
 * Takes a file from standard input, after its name. What was there is replaced, never written into, and nobody else
 * can read the file at any time. It says first by which number it can be ended.
 */
const receiver = (bytes: number) =>
  `exec sh -c '${readsName(bytes)}; echo receiver $$; set -C; rm -f -- "$name" && cat > "$name" && wc -c < "$name"'`

const measure = (bytes: number) => `exec sh -c '${readsName(bytes)}; wc -c < "$name"'`

/** What stands still would otherwise write on when it comes to itself. */
const ender = (bytes: number, receiverId: string) =>
  `exec sh -c '${readsName(bytes)}; kill -s KILL -- -${receiverId} ${receiverId}; rm -f -- "$name"'`

/** One file on its way to a host, by a receiver that runs there. */
export class Upload {
  readonly #connection: Pick<Connection, 'host' | 'execute'>
  readonly #localPath: string
  readonly #remotePath: string
  readonly #options: UploadOptions
  readonly #nameBytes: number
  #sent = 0
  #movedAt = performance.now()
  #givenUp = false

  constructor(
    connection: Pick<Connection, 'host' | 'execute'>,
    localPath: string,
    remotePath: string,
    options: UploadOptions,
  ) {
    this.#connection = connection
    this.#localPath = localPath
    this.#remotePath = remotePath
    this.#options = options
    this.#nameBytes = Buffer.byteLength(remotePath)
  }

  /** The command that has to run on the host. */
  get command(): string {
    return receiver(this.#nameBytes)
  }

  /** @throws SluiceError STEP_FAILED, and STEP_TIMEOUT when nothing has arrived for too long */
  async carryOut(running: RunningCommand): Promise<void> {
    const output = { answer: '', said: '' }
    running.stdout.setEncoding('utf8').on('data', (text) => {
      output.answer += text
    })
    running.stderr.setEncoding('utf8').on('data', (text) => {
      output.said += text
    })
    const over = new AbortController()
    try {
      const watch = this.#watch(output, over.signal)
      // Ended by the watch, it ends too: what counts then is that it was given up.
      const overtaken = () => (this.#givenUp ? watch : undefined)
      const sent = this.#send(running).finally(overtaken)
      const exitCode = await Promise.race([sent, watch])
      // A login shell's start-up files may print before the answer.
      const size = Number(output.answer.trim().split('\n').at(-1))
      if (exitCode === 0 && size === this.#sent) return
      throw new SluiceError('STEP_FAILED', {
        subject: `could not copy a file to ${this.#remotePath}`,
        why: output.said.trim() || `${size} of ${this.#sent} bytes arrived, exit code ${exitCode ?? 'none'}`,
        advice: 'see with df whether the host has room, then run again',
      })
    } finally {
      over.abort()
    }
  }

  async #send({ stdin, exitCode }: RunningCommand): Promise<number | undefined> {
    let ended = false
    stdin.on('error', () => {})
    const end = exitCode.finally(() => {
      ended = true
    })
    end.catch(() => {})
    stdin.write(Buffer.from(this.#remotePath))
    for await (const chunk of createReadStream(this.#localPath, { highWaterMark: 262_144 })) {
      // The host may have given up, with a full disk: it then says why.
      if (ended) break
      this.#sent += chunk.length
      if (!stdin.write(chunk)) await Promise.race([once(stdin, 'drain').catch(() => end), end])
      this.#movedAt = performance.now()
      this.#options.onProgress?.(this.#sent)
    }
    stdin.end()
    return await end
  }

  /**
   * Rejects when nothing moves any more. What was sent may still be on its way, so the host is asked, twice, how much
   * of it has arrived.
   */
  async #watch(output: { answer: string }, signal: AbortSignal): Promise<never> {
    const { stallSeconds = usualStallSeconds } = this.#options
    let asked: { arrived: number | undefined; sent: number } | undefined
    for (;;) {
      await pause((stallSeconds * 1000) / 2, undefined, { signal, ref: false })
      const sent = this.#sent
      if (performance.now() - this.#movedAt < (stallSeconds * 1000) / 2) {
        asked = undefined
        continue
      }
      const arrived = await this.#arrived()
      if (asked !== undefined && asked.sent === sent && asked.arrived === arrived) break
      asked = { arrived, sent }
    }
    this.#givenUp = true
    await this.#end(/^receiver (\d+)$/m.exec(output.answer)?.[1])
    throw new SluiceError('STEP_TIMEOUT', {
      subject: `sending ${basename(this.#localPath)} made no progress for ${stallSeconds} s and was stopped`,
      why:
        asked.arrived === undefined
          ? `the host does not say how much of ${this.#remotePath} has arrived`
          : `${asked.arrived} bytes have arrived at ${this.#remotePath}, of ${this.#sent} that were sent`,
      advice: `see what ${this.#connection.host.name} is busy with (its disk, its memory) and how good the way to it is, then run again: what has arrived is removed`,
    })
  }

  async #arrived(): Promise<number | undefined> {
    const said = await this.#ask(measure(this.#nameBytes))
    const size = said?.trim().split('\n').at(-1)
    return size !== undefined && /^\d+$/.test(size) ? Number(size) : undefined
  }

  async #end(receiverId: string | undefined): Promise<void> {
    if (receiverId !== undefined) await this.#ask(ender(this.#nameBytes, receiverId))
  }

  /** What the host says, if it does so in time. */
  async #ask(command: string): Promise<string | undefined> {
    let said = ''
    const answered = this.#connection
      .execute(command, {
        input: this.#remotePath,
        onStdout: (text) => {
          said += text
        },
        onStderr: () => {},
        urgent: true,
      })
      .then(
        () => said,
        () => undefined,
      )
    return Promise.race([answered, pause(answerSeconds * 1000, undefined, { ref: false })])
  }
}
