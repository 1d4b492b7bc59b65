import type { Duplex } from 'node:stream'
import { NodeSSH, type Config as NodeSshConfig } from 'node-ssh'
import type { ClientChannel, ConnectConfig } from 'ssh2'
import { SluiceError } from '../errors.ts'
import type { Host } from '../inventory.ts'
import { type Carrier, type RunningCommand, SessionRefused } from './carrier.ts'
import { loginRefused, lost, NoCommonAlgorithm, unreachable } from './errors.ts'
import { type HostKeys, typesOf } from './host-keys.ts'
import {
  type AskPassphrase,
  agentHolds,
  agentSocket,
  keyFileOf,
  passphraseFor,
  wrongPassphrase,
} from './identity.ts'
import { type Credentials, NotingAgent, offeredKeys } from './offered-keys.ts'

export interface CarrierOptions {
  hostKeys: HostKeys
  /** Milliseconds until a host that does not answer counts as unreachable. */
  timeoutMs: number
  /** Milliseconds of silence after which a host is asked whether it is still there; at the fourth time it is given up. */
  keepAliveMs: number
  askPassphrase?: AskPassphrase | undefined
}

/** How often a host may leave the question unanswered whether it is still there. */
export const keepAliveTries = 4

/**
 * Opens a connection by the library in this process: nothing to start, so the fastest way.
 *
 * @param through a stream to the host's SSH port, where it is behind another host
 * @throws SluiceError HOST_UNREACHABLE, HOST_KEY_UNKNOWN, HOST_KEY_CHANGED, LOGIN_REFUSED, KEY_UNUSABLE
 */
export async function openByNodeSsh(
  host: Host,
  { hostKeys, timeoutMs, keepAliveMs, askPassphrase }: CarrierOptions,
  through?: Duplex,
): Promise<Carrier> {
  const [known, key] = await Promise.all([hostKeys.of(host), credentials(host, askPassphrase)])
  let keyError: SluiceError | undefined
  const ssh = new NodeSSH()
  const config: ConnectConfig & NodeSshConfig = {
    host: host.address,
    port: host.port,
    username: host.user,
    readyTimeout: timeoutMs,
    keepaliveInterval: keepAliveMs,
    keepaliveCountMax: keepAliveTries,
    ...key,
    // Without it the library first asks whether no authentication will do.
    authHandler: (['publickey', 'agent'] as const).filter((way) =>
      way === 'agent' ? key.agent : key.privateKey,
    ),
    ...(through !== undefined && { sock: through }),
    // A server with several host keys shows the kind that is asked for first.
    ...(known.length > 0 && { algorithms: { serverHostKey: algorithmsOf(known) as never } }),
    hostVerifier: (shown: Buffer) => {
      keyError = hostKeys.verify(host, known, shown)
      return keyError === undefined
    },
  }
  try {
    await ssh.connect(config)
  } catch (error) {
    through?.destroy()
    throw keyError ?? connectError(host, error, timeoutMs)
  }
  // Small questions and answers would otherwise wait for one another: 40 ms each (Nagle's algorithm, delayed ACK).
  ssh.connection?.setNoDelay(true)
  return new NodeSshCarrier(ssh, keepAliveMs, { offered: offeredKeys(key), known })
}

class NodeSshCarrier implements Carrier {
  readonly ended: Promise<void>
  readonly offeredKeys: readonly string[] | undefined
  readonly knownKeyTypes: readonly string[]
  readonly #ssh: NodeSSH
  #ending = 'the connection was closed'

  constructor(
    ssh: NodeSSH,
    keepAliveMs: number,
    { offered, known }: { offered: readonly string[] | undefined; known: readonly string[] },
  ) {
    this.#ssh = ssh
    this.offeredKeys = offered
    this.knownKeyTypes = typesOf(known)
    const { promise, resolve } = Promise.withResolvers<void>()
    this.ended = promise
    ssh.connection?.on('error', ({ message }) => {
      const silence = (keepAliveMs * keepAliveTries) / 1000
      this.#ending = message === 'Keepalive timeout' ? `the host has not answered for ${silence} s` : message
    })
    ssh.connection?.on('close', resolve)
  }

  async start(command: string): Promise<RunningCommand> {
    try {
      return await this.#open<ClientChannel, RunningCommand>(
        (done) => this.#client().exec(command, done),
        (channel) => ({
          stdin: channel,
          stdout: channel,
          stderr: channel.stderr,
          exitCode: this.#exitCode(channel),
        }),
      )
    } catch (error) {
      const { message } = error as Error
      if (/^\(SSH\) Channel open failure/.test(message)) throw new SessionRefused(message)
      throw error instanceof SluiceError ? error : lost(message)
    }
  }

  forward(address: string, port: number): Promise<Duplex> {
    return this.#open<Duplex, Duplex>(
      (done) => this.#client().forwardOut('127.0.0.1', 0, address, port, done),
      (stream) => stream,
    )
  }

  close(): void {
    this.#ssh.dispose()
  }

  #client(): NonNullable<NodeSSH['connection']> {
    if (this.#ssh.connection === null) throw lost(this.#ending)
    return this.#ssh.connection
  }

  #exitCode(channel: ClientChannel): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      let code: number | undefined
      let ended = false
      channel.on('exit', (number: number | null) => {
        ended = true
        code = number ?? undefined
      })
      channel.on('close', () => {
        if (ended) resolve(code)
        else reject(lost(this.#ending))
      })
      channel.on('error', (error: Error) => reject(lost(error.message)))
    })
  }

  /** @param use called at once: a short command's end may come in the very packet that says that it has begun */
  #open<Stream, Result>(
    start: (done: (error: Error | undefined, stream: Stream) => void) => void,
    use: (stream: Stream) => Result,
  ): Promise<Result> {
    return new Promise((resolve, reject) => {
      start((error, stream) => (error ? reject(error) : resolve(use(stream))))
    })
  }
}

async function credentials(host: Host, askPassphrase: AskPassphrase | undefined): Promise<Credentials> {
  const socket = agentSocket()
  const agent = socket === undefined ? undefined : new NotingAgent(socket)
  const file = keyFileOf(host)
  if (agent !== undefined && (file === undefined || host.identityFile === undefined)) {
    return { agent, ...(file !== undefined && !file.encrypted && { privateKey: file.text }) }
  }
  if (file === undefined) throw new TypeError(`there is neither a key file nor an agent for ${host.name}`)
  if (!file.encrypted) return { privateKey: file.text }
  if (agent !== undefined && (await agentHolds(file))) return { agent }
  const passphrase = await passphraseFor(file, host, askPassphrase)
  return { privateKey: file.text, passphrase: passphrase.reveal() }
}

function algorithmsOf(known: readonly string[]): string[] {
  return [
    ...new Set(
      typesOf(known).flatMap((type) => (type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [type])),
    ),
  ]
}

function connectError(host: Host, error: unknown, timeoutMs: number): SluiceError {
  const { message, level, code } = error as Error & { level?: string; code?: string }
  if (level === 'client-authentication') return loginRefused(host, message, error)
  if (/no matching/i.test(message)) return new NoCommonAlgorithm(host, message, error)
  if (/bad passphrase/i.test(message)) return wrongPassphrase(host.identityFile ?? '', error)
  const said = code === undefined || message.includes(code) ? message : `${code}: ${message}`
  return unreachable(host, said, timeoutMs, error)
}
