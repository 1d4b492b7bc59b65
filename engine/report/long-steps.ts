/** A step that takes this long is said to be still under way; then again after twice as long, and so on. */
const firstAfterMs = 30_000

interface Step {
  role: string
  what: string
  since: number
  sayAfterMs: number
}

/** What each host is at, so that a log without a live view tells a long step from a run that hangs. */
export class LongSteps {
  readonly #steps = new Map<string, Step>()

  /** @param time in milliseconds, as all times here */
  begin(host: string, { role, what, time }: { role: string; what: string; time: number }): void {
    this.#steps.set(host, { role, what, since: time, sayAfterMs: firstAfterMs })
  }

  end(host: string): void {
    this.#steps.delete(host)
  }

  /** The steps of which it is time to say that they are still under way. */
  due(time: number): { host: string; role: string; what: string; forMs: number }[] {
    return [...this.#steps].flatMap(([host, step]) => {
      const forMs = time - step.since
      if (forMs < step.sayAfterMs) return []
      step.sayAfterMs = Math.max(2 * step.sayAfterMs, forMs)
      return [{ host, role: step.role, what: step.what, forMs }]
    })
  }
}
