import type { Facts } from '../engine/facts.ts'
import type { Host } from '../engine/inventory.ts'
import type { Connection } from '../engine/transport/connection.ts'

/** A connection to what is no machine with a shell: a region of a cloud, or a program that makes machines. */
export abstract class MachinelessConnection implements Connection {
  readonly host: Host
  readonly facts: Facts

  /** @param distribution what the facts call it, so that no role takes it for a system that it knows */
  constructor(host: Host, distribution: string) {
    this.host = host
    this.facts = {
      hostname: host.name,
      distribution,
      release: '',
      architecture: 'amd64',
      processors: 1,
      memoryMb: 1,
      container: false,
      clientAddress: '',
    }
  }

  execute(): never {
    throw new TypeError(`${this.host.name} is no machine: it has no shell`)
  }

  upload(): never {
    throw new TypeError(`${this.host.name} is no machine: it takes no files`)
  }

  forward(): never {
    throw new TypeError(`${this.host.name} is no machine: it forwards nothing`)
  }

  abstract close(): void
}
