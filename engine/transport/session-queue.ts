import { setTimeout as sleep } from 'node:timers/promises'
import { SluiceError } from '../errors.ts'
import { SessionRefused } from './carrier.ts'

/** Fewer than the 10 that OpenSSH allows unless told otherwise: what ends a hung command must still get in. */
const usualMost = 8
const mostAttempts = 5

/** Lets no more sessions be open on a connection than its host allows, which is learnt when it refuses one. */
export class SessionQueue {
  #most = usualMost
  #open = 0
  readonly #waiting: (() => void)[] = []

  /**
   * Runs `work`, which opens one session, as soon as there is room; an urgent one at once.
   *
   * @throws SluiceError CONNECTION_LOST when the host opens none though no other is open
   */
  async run<Result>(work: () => Promise<Result>, urgent = false): Promise<Result> {
    for (let attempt = 1; ; ) {
      while (!urgent && this.#open >= this.#most) {
        await new Promise<void>((resolve) => this.#waiting.push(resolve))
      }
      this.#open++
      try {
        return await work()
      } catch (error) {
        if (!(error instanceof SessionRefused)) throw error
        const others = this.#open - 1
        if (others > 0 && !urgent) this.#most = Math.min(this.#most, others)
        else if (attempt++ === mostAttempts) throw noSession(error)
      } finally {
        this.#open--
        this.#waiting.shift()?.()
      }
      // A session that has just ended here may not have ended there yet.
      if (urgent || this.#open === 0) await sleep(100)
    }
  }
}

function noSession(cause: SessionRefused): SluiceError {
  return new SluiceError('CONNECTION_LOST', {
    subject: 'the host opens no session on the connection',
    why: cause.message,
    advice: 'see MaxSessions in the sshd_config of the host: it should be 2 or more',
    cause,
  })
}
