import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { NodeSSH, type Config as NodeSshConfig } from 'node-ssh'
import type { ClientChannel, ConnectConfig } from 'ssh2'
import { SluiceError } from '../errors.ts'
import type { Host } from '../inventory.ts'
import type { Connection, Execution } from './connection.ts'
import type { HostKeys } from './host-keys.ts'

export interface ConnectOptions {
  hostKeys: HostKeys
  /** Milliseconds until a host that does not answer counts as unreachable. */
  timeoutMs: number
}

/**
 * Opens an SSH connection whose host key is vouched for.
 *
 * @throws SluiceError HOST_UNREACHABLE, HOST_KEY_UNKNOWN, HOST_KEY_CHANGED, LOGIN_REFUSED
 */
export async function connect(host: Host, { hostKeys, timeoutMs }: ConnectOptions): Promise<Connection> {
  const known = await hostKeys.of(host)
  let keyError: SluiceError | undefined
  const ssh = new NodeSSH()
  const config: ConnectConfig & NodeSshConfig = {
    host: host.address,
    port: host.port,
    username: host.user,
    readyTimeout: timeoutMs,
    keepaliveInterval: 15_000,
    keepaliveCountMax: 4,
    ...credentials(host),
    // A server with several host keys shows the kind that is asked for first.
    ...(known.length > 0 && { algorithms: { serverHostKey: algorithmsOf(known) as never } }),
    hostVerifier: (key: Buffer) => {
      keyError = hostKeys.verify(host, known, key)
      return keyError === undefined
    },
  }
  try {
    await ssh.connect(config)
  } catch (error) {
    throw keyError ?? connectError(host, error, timeoutMs)
  }
  // Small questions and answers would otherwise wait for one another: 40 ms each (Nagle's algorithm, delayed ACK).
  ssh.connection?.setNoDelay(true)
  return new SshConnection(host, ssh)
}

class SshConnection implements Connection {
  readonly host: Host
  readonly #ssh: NodeSSH
  #lost: SluiceError | undefined

  constructor(host: Host, ssh: NodeSSH) {
    this.host = host
    this.#ssh = ssh
    ssh.connection?.on('error', (error) => {
      this.#lost = lost(error.message)
    })
  }

  async execute(command: string, { input, onStdout, onStderr }: Execution): Promise<number | undefined> {
    const channel = await this.#open<ClientChannel>((done) => this.#client().exec(command, done))
    return new Promise((resolve, reject) => {
      let exitCode: number | undefined
      let ended = false
      channel.setEncoding('utf8').on('data', onStdout)
      channel.stderr.setEncoding('utf8').on('data', onStderr)
      channel.on('exit', (code: number | null) => {
        ended = true
        exitCode = code ?? undefined
      })
      channel.on('close', () => {
        if (ended) resolve(exitCode)
        else reject(this.#lost ?? lost('the connection was closed'))
      })
      channel.on('error', (error: Error) => reject(lost(error.message)))
      channel.end(input)
    })
  }

  async upload(
    localPath: string,
    remotePath: string,
    onProgress: (sentBytes: number) => void,
  ): Promise<void> {
    try {
      await this.#ssh.putFile(localPath, remotePath, null, {
        mode: 0o600,
        step: (sentBytes) => onProgress(sentBytes),
        concurrency: 32,
        chunkSize: 32_768,
      })
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new SluiceError('STEP_FAILED', {
        subject: `could not copy a file to ${remotePath}`,
        // SFTP has no words of its own for a full disk.
        why: reason === 'Failure' ? 'the host refused the data: mostly its disk is full' : reason,
        advice: 'see with df whether the host has room, then run again',
        cause: error,
      })
    }
  }

  async forward(address: string, port: number): Promise<Duplex> {
    try {
      return await this.#open<Duplex>((done) =>
        this.#client().forwardOut('127.0.0.1', 0, address, port, done),
      )
    } catch (error) {
      const reason = error instanceof SluiceError ? error.why : String(error)
      throw new SluiceError('PROBE_REFUSED', {
        subject: `${this.host.name} does not get through to ${address}:${port}`,
        why: reason ?? '',
        advice: `see on the host whether something listens there, and whether sshd allows forwarding to it (PermitOpen)`,
        cause: error,
      })
    }
  }

  close(): void {
    this.#ssh.dispose()
  }

  #client(): NonNullable<NodeSSH['connection']> {
    if (this.#ssh.connection === null) throw this.#lost ?? lost('the connection was closed')
    return this.#ssh.connection
  }

  #open<Stream>(start: (done: (error: Error | undefined, stream: Stream) => void) => void): Promise<Stream> {
    return new Promise((resolve, reject) => {
      start((error, stream) => (error ? reject(this.#lost ?? lost(error.message)) : resolve(stream)))
    })
  }
}

function lost(reason: string): SluiceError {
  return new SluiceError('CONNECTION_LOST', {
    subject: 'the SSH connection ended while it was needed',
    why: reason,
    advice: 'run again: what was applied is kept, and the run goes on from there',
  })
}

function credentials(host: Host): { privateKey: string } | { agent: string } {
  if (host.identityFile !== undefined) return { privateKey: readKey(host.identityFile, host) }
  const agent = process.env.SSH_AUTH_SOCK
  if (agent !== undefined && agent !== '') return { agent }
  const usual = ['id_ed25519', 'id_ecdsa', 'id_rsa'].map((name) => join(homedir(), '.ssh', name))
  const file = usual.find((path) => existsSync(path))
  if (file === undefined) {
    throw new SluiceError('LOGIN_REFUSED', {
      subject: `there is no key to log in with to ${host.name}`,
      why: `the inventory names no identityFile, no SSH agent is running, and none of ${usual.join(', ')} is there`,
      advice:
        'name a private key file as identityFile in the inventory, or start an agent and add the key to it',
    })
  }
  return { privateKey: readKey(file, host) }
}

function readKey(path: string, host: Host): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new SluiceError('LOGIN_REFUSED', {
      subject: `the private key ${path} cannot be read`,
      at: host.name,
      why: String(error),
      advice: 'correct identityFile in the inventory, or the file it names',
      cause: error,
    })
  }
}

function algorithmsOf(known: readonly string[]): string[] {
  const types = known.map((key) => key.split(' ')[0] ?? '')
  return [
    ...new Set(types.flatMap((type) => (type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [type]))),
  ]
}

function connectError(host: Host, error: unknown, timeoutMs: number): SluiceError {
  const place = `${host.address}:${host.port}`
  const { message, level, code } = error as Error & { level?: string; code?: string }
  if (level === 'client-authentication') {
    return new SluiceError('LOGIN_REFUSED', {
      subject: `${place} refused every key for the user ${host.user}`,
      why: message,
      advice: `see that the key ${host.identityFile ?? 'in your agent or ~/.ssh'} is in ~${host.user}/.ssh/authorized_keys on the host`,
      cause: error,
    })
  }
  if (/handshake failed|no matching/i.test(message)) {
    return new SluiceError('HOST_UNREACHABLE', {
      subject: `${place} and the controller agree on no SSH algorithm`,
      why: message,
      advice: 'see with ssh -vv which algorithms the host offers',
      cause: error,
    })
  }
  return new SluiceError('HOST_UNREACHABLE', {
    subject: `${place} did not answer by SSH within ${timeoutMs / 1000} s`,
    why: code === undefined ? message : `${code}: ${message}`,
    advice: 'check that the host is up and that port 22 is open to this machine',
    cause: error,
  })
}
