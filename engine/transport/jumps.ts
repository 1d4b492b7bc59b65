import type { Host } from '../inventory.ts'
import type { Carrier } from './carrier.ts'

/** The use of a connection that others may use too. */
export interface Lease<Way extends Carrier> {
  carrier: Way
  /** The last one to let go of it closes it. */
  release(): void
}

/** Connections to jump hosts, each shared by all the hosts that are behind it. */
export class Jumps<Way extends Carrier> {
  readonly #shared = new Map<string, { opened: Promise<Way>; users: number }>()

  async lease(host: Host, open: () => Promise<Way>): Promise<Lease<Way>> {
    const found = this.#shared.get(host.name)
    const entry = found ?? { opened: open(), users: 0 }
    const forget = () => {
      if (this.#shared.get(host.name) === entry) this.#shared.delete(host.name)
    }
    if (found === undefined) {
      this.#shared.set(host.name, entry)
      entry.opened.then((carrier) => carrier.ended.then(forget), forget)
    }
    entry.users++
    const carrier = await entry.opened
    let released = false
    return {
      carrier,
      release: () => {
        if (released) return
        released = true
        entry.users--
        if (entry.users > 0) return
        forget()
        carrier.close()
      },
    }
  }
}
