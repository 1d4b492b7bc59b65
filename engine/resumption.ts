import { setTimeout as pause } from 'node:timers/promises'
import { runBatch } from './batch.ts'
import { SluiceError } from './errors.ts'
import type { HostLock } from './host-lock.ts'
import type { HostRun } from './host-run.ts'
import { type Notice, readAll, readSettled, type SurveyOptions } from './host-survey.ts'
import type { Host } from './inventory.ts'
import type { Placed } from './plan.ts'
import type { Connection } from './transport/connection.ts'
import { placeOf } from './transport/errors.ts'

/** How long a host may be away: time enough for a restart of its network, not for one of a large machine. */
const awaySeconds = 60
/** How long what was in hand may go on by itself, before it is ended. */
const settleSeconds = 60
const pauseMs = 1000

export interface ResumptionOptions {
  host: Host
  placed: readonly Placed[]
  lock: HostLock | undefined
  options: SurveyOptions
  notice: Notice
}

/** Goes on by a new connection, once, where one is lost in the middle of a host's work. */
export class Resumption {
  readonly #work: HostRun
  readonly #options: ResumptionOptions
  #resumed = false

  constructor(work: HostRun, options: ResumptionOptions) {
    this.#work = work
    this.#options = options
  }

  /** @throws SluiceError as `HostRun.apply`, CONNECTION_LOST where the host could not be reached again, or a second time */
  async apply(placed: readonly Placed[]): Promise<void> {
    try {
      await this.#work.apply(placed)
    } catch (error) {
      const { signal } = this.#options.options
      if (this.#resumed || signal?.aborted || !this.#work.canGoOn(error)) throw error
      this.#resumed = true
      await this.#resume(error as SluiceError)
      await this.#work.apply(placed)
    }
  }

  async #resume(lost: SluiceError): Promise<void> {
    const { placed, lock, options, notice } = this.#options
    const started = performance.now()
    const inHand = this.#work.state.begun
    const connection = await this.#connectAgain(lost)
    try {
      if (lock !== undefined) await settle(connection, lock)
      const { lock: state } = await readSettled(connection, options, notice)
      lock?.readAgain(state)
      this.#work.goOn(connection, await readAll(connection, placed, options))
    } catch (error) {
      connection.close()
      throw error
    }
    const seconds = ((performance.now() - started) / 1000).toFixed(1)
    const left = inHand.length === 0 ? '' : `, in the middle of ${inHand.join(', ')}`
    notice(
      `the connection was lost (${lost.subject})${left}; after ${seconds} s there was a new one, and the run went on from what the host had then`,
    )
  }

  async #connectAgain(lost: SluiceError): Promise<Connection> {
    const { host, options } = this.#options
    options.emit({ type: 'host-connecting', host: host.name, address: placeOf(host) })
    const until = performance.now() + awaySeconds * 1000
    for (;;) {
      try {
        return await options.connect(host)
      } catch (error) {
        const away = error instanceof SluiceError && error.code === 'HOST_UNREACHABLE'
        if (!away || options.signal?.aborted) throw error
        if (performance.now() > until) throw lost
      }
      await pause(pauseMs)
    }
  }
}

/** Two commands at once, the former one and its repetition, could meet. */
async function settle(connection: Connection, lock: HostLock): Promise<void> {
  const [outcome] = await runBatch(connection, [lock.settleSessionsScript(settleSeconds)], {
    stopOnFailure: false,
    timeoutSeconds: () => settleSeconds + 30,
    keepShell: true,
  })
  if (outcome?.exitCode === 0) return
  throw new SluiceError('CONNECTION_LOST', {
    subject: 'the connection was lost, and it could not be told whether what was in hand has ended',
    why: outcome?.stderr.trim() ?? '',
    advice: 'see on the host what still runs, then run again: what was applied is kept',
  })
}
