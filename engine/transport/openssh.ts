import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Host } from '../inventory.ts'
import { type Carrier, type RunningCommand, SessionRefused } from './carrier.ts'
import { lost } from './errors.ts'
import { typesOf } from './host-keys.ts'
import type { CarrierOptions } from './node-ssh.ts'
import { endMaster, type Master, startMaster } from './openssh-master.ts'
import { muxWords } from './openssh-words.ts'

/** What ssh itself ends with when something is wrong; a command may end with it too. */
const ambiguousCode = 255

/**
 * Opens a connection by the system's OpenSSH client: one process that holds it, and one for each command.
 *
 * @param through the connection to the host that this one is behind
 * @throws SluiceError HOST_UNREACHABLE, HOST_KEY_UNKNOWN, HOST_KEY_CHANGED, LOGIN_REFUSED, KEY_UNUSABLE
 */
export async function openByOpenSsh(
  host: Host,
  options: CarrierOptions,
  through?: OpenSshCarrier,
): Promise<OpenSshCarrier> {
  return new OpenSshCarrier(await startMaster(host, options, through?.controlPath))
}

export class OpenSshCarrier implements Carrier {
  readonly ended: Promise<void>
  readonly controlPath: string
  readonly offeredKeys: readonly string[] | undefined
  readonly knownKeyTypes: readonly string[]
  readonly #master: Master
  #started = 0

  constructor(master: Master) {
    this.#master = master
    this.controlPath = master.controlPath
    this.knownKeyTypes = typesOf(master.known)
    const { keyAccepted, offered } = master.log
    this.offeredKeys = keyAccepted && offered.length > 0 ? offered : undefined
    this.ended = this.#isAlive() ? once(master.process, 'exit').then(() => {}) : Promise.resolve()
  }

  async start(command: string): Promise<RunningCommand> {
    if (!this.#isAlive()) throw this.#lost()
    const log = join(this.#master.directory, `${this.#started++}.log`)
    const [program = '', ...words] = muxWords(this.controlPath)
    const child = spawn(program, [...words, '-v', '-E', log, '--', 'host', command], { detached: true })
    return { stdin: child.stdin, stdout: child.stdout, stderr: child.stderr, exitCode: this.#end(child, log) }
  }

  async forward(address: string, port: number): Promise<Duplex> {
    if (!this.#isAlive()) throw this.#lost()
    const [program = '', ...words] = muxWords(this.controlPath)
    const child = spawn(program, [...words, '-v', '-W', `[${address}]:${port}`, '--', 'host'], {
      detached: true,
    })
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (line.includes('master session id')) resolve()
    })
    const stream = Duplex.from({ readable: child.stdout, writable: child.stdin })
    stream.on('error', () => child.kill())
    stream.on('close', () => child.kill())
    child.on('error', reject)
    child.on('close', () => {
      stream.end()
      // The master says why, a moment later and on its own stream.
      setTimeout(() => reject(this.#isAlive() ? new Error(this.#refusal()) : this.#lost()), 20)
    })
    await promise
    return stream
  }

  close(): void {
    if (this.#isAlive()) endMaster(this.#master.process)
  }

  #isAlive(): boolean {
    const { exitCode, signalCode } = this.#master.process
    return exitCode === null && signalCode === null
  }

  #lost() {
    const words = this.#master.log.said.findLast((said) => !said.startsWith('channel '))
    return lost(`the ssh process that held it has ended${words === undefined ? '' : `: ${words}`}`)
  }

  #refusal(): string {
    const line = this.#master.log.said.findLast((said) => said.includes('open failed: '))
    return line?.replace(/^.*?open failed: /, '') ?? 'the host refused to open it'
  }

  async #end(child: ChildProcess, log: string): Promise<number | undefined> {
    try {
      const [code] = (await once(child, 'close').catch((error: Error) => {
        throw lost(`ssh cannot be started: ${error.message}`)
      })) as [number | null]
      return code === null || code === ambiguousCode ? await this.#meaning(log) : code
    } finally {
      await rm(log, { force: true })
    }
  }

  /** Whether the command itself ended with 255, by a signal, with the connection, or never began. */
  async #meaning(log: string): Promise<number | undefined> {
    const text = this.#isAlive() ? await readFile(log, 'utf8') : ''
    if (text.includes('session request failed')) throw new SessionRefused(text.trim())
    const channel = Number(/master session id: (\d+)/.exec(text)?.[1])
    // What the master says comes by another way than the end of its client.
    for (let tries = 0; tries < 10 && this.#isAlive(); tries++) {
      const ending = this.#master.log.endings.get(channel)
      if (ending !== undefined) return ending === 'exit-status' ? ambiguousCode : undefined
      await sleep(20)
    }
    throw this.#lost()
  }
}
