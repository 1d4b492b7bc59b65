import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { reasonOf, SluiceError } from '../errors.ts'
import type { Host } from '../inventory.ts'
import type { Secret } from '../secret.ts'
import type { Carrier } from './carrier.ts'
import type { Connection } from './connection.ts'
import { NoCommonAlgorithm, unreachable } from './errors.ts'
import type { HostKeys } from './host-keys.ts'
import type { AskPassphrase } from './identity.ts'
import { Jumps, type Lease } from './jumps.ts'
import { type CarrierOptions, openByNodeSsh } from './node-ssh.ts'
import type { OpenSshCarrier } from './openssh.ts'
import { SshConnection } from './ssh-connection.ts'

export interface ConnectOptions {
  hostKeys: HostKeys
  /** Milliseconds until a host that does not answer counts as unreachable. */
  timeoutMs: number
  /** Milliseconds of silence after which a host is asked whether it is still there. */
  keepAliveMs?: number | undefined
  /** For sudo, where it wants one. */
  becomePassword?: Secret | undefined
  /** For private keys that are encrypted and that no agent holds. */
  askPassphrase?: AskPassphrase | undefined
}

/**
 * Opens an SSH connection whose host key is vouched for.
 *
 * @throws SluiceError HOST_UNREACHABLE, HOST_KEY_UNKNOWN, HOST_KEY_CHANGED, LOGIN_REFUSED, KEY_UNUSABLE
 */
export function connect(host: Host, options: ConnectOptions): Promise<Connection> {
  return connector(options)(host)
}

/** The same for many hosts: connections to jump hosts are shared, and what was learnt about a host is kept. */
export function connector(options: ConnectOptions): (host: Host) => Promise<Connection> {
  const carriers = new Carriers({ keepAliveMs: 15_000, ...definedOnly(options) })
  const { becomePassword } = options
  return async (host) => {
    const { carrier, remark, release } = await carriers.open(host)
    return new SshConnection(host, carrier, { remark, becomePassword, onEnd: release })
  }
}

/** A way to a host, what is worth knowing about it, and how to let go of the jump hosts when it has ended. */
interface Opened {
  carrier: Carrier
  remark?: string
  release?: () => void
}

class Carriers {
  readonly #options: CarrierOptions
  readonly #jumps = new Jumps<Carrier>()
  readonly #openSshJumps = new Jumps<OpenSshCarrier>()
  /** Why these hosts are reached by openssh though nobody asked for it. */
  readonly #fallbacks = new Map<string, string>()

  constructor(options: CarrierOptions) {
    this.#options = options
  }

  async open(host: Host): Promise<Opened> {
    const { transport = 'auto', name } = host
    if (transport === 'openssh') return this.#byOpenSsh(host)
    if (transport === 'node-ssh') return this.#byNodeSsh(host)
    try {
      if (!this.#fallbacks.has(name)) return await this.#byNodeSsh(host)
    } catch (error) {
      if (!(error instanceof NoCommonAlgorithm)) throw error
      this.#fallbacks.set(name, error.why ?? '')
    }
    const opened = await this.#byOpenSsh(host)
    const remark = `by the system's OpenSSH client: ${this.#fallbacks.get(name)}`
    return { ...opened, remark }
  }

  async #byNodeSsh(host: Host): Promise<Opened> {
    const { jump } = host
    if (jump === undefined) return { carrier: await openByNodeSsh(host, this.#options) }
    const lease = await this.#jumps.lease(jump, () => this.#openJump(jump, () => this.open(jump)))
    return this.#through(lease, async () => {
      const stream = await streamTo(host, lease.carrier, this.#options.timeoutMs)
      return openByNodeSsh(host, this.#options, stream)
    })
  }

  /** ssh can only go through a connection of its own. */
  async #byOpenSsh(host: Host): Promise<Opened & { carrier: OpenSshCarrier }> {
    const { openByOpenSsh } = await import('./openssh.ts')
    const { jump } = host
    if (jump === undefined) return { carrier: await openByOpenSsh(host, this.#options) }
    const lease = await this.#openSshJumps.lease(jump, () =>
      this.#openJump(jump, () => this.#byOpenSsh(jump)),
    )
    return this.#through(lease, () => openByOpenSsh(host, this.#options, lease.carrier))
  }

  async #openJump<Way extends Carrier>(
    jump: Host,
    open: () => Promise<{ carrier: Way; release?: () => void }>,
  ): Promise<Way> {
    try {
      const { carrier, release } = await open()
      void carrier.ended.then(release)
      return carrier
    } catch (error) {
      throw error instanceof SluiceError ? error.within(`the jump host ${jump.name}`) : error
    }
  }

  async #through<Way extends Carrier>({ release }: Lease<Carrier>, open: () => Promise<Way>) {
    try {
      return { carrier: await open(), release }
    } catch (error) {
      release()
      throw error
    }
  }
}

/** The way to a host's SSH port through another host, in the time that a connection may take. */
async function streamTo(host: Host, jump: Carrier, timeoutMs: number): Promise<Duplex> {
  const stop = new AbortController()
  const tooLate = sleep(timeoutMs, undefined, { signal: stop.signal }).then(() => {
    throw new Error('the jump host did not get through to it')
  })
  const opening = jump.forward(host.address, host.port)
  try {
    return await Promise.race([opening, tooLate])
  } catch (error) {
    // One that opens when nobody waits for it any more.
    opening.then(
      (late) => late.destroy(),
      () => {},
    )
    throw unreachable(host, reasonOf(error), timeoutMs, error)
  } finally {
    tooLate.catch(() => {})
    stop.abort()
  }
}

function definedOnly(options: ConnectOptions): ConnectOptions & { keepAliveMs?: number } {
  const { keepAliveMs, ...others } = options
  return keepAliveMs === undefined ? others : { ...others, keepAliveMs }
}
