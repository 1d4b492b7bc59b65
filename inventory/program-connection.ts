import type { Facts } from '../engine/facts.ts'
import type { Host } from '../engine/inventory.ts'
import type { ControllerAccess } from '../engine/resource.ts'
import type { Connection } from '../engine/transport/connection.ts'

/** What a program makes as the engine's host: all goes through that program, nothing through a shell. */
export class ProgramConnection implements Connection {
  readonly host: Host
  /** What the resources work with. */
  readonly workplace: object
  readonly facts: Facts

  constructor(host: Host, workplace: object) {
    this.host = host
    this.workplace = workplace
    this.facts = noMachine(host.name)
  }

  execute(): never {
    throw new TypeError('what is being made has no shell')
  }

  upload(): never {
    throw new TypeError('what is being made takes no files')
  }

  forward(): never {
    throw new TypeError('what is being made forwards nothing')
  }

  close(): void {}
}

/** What is behind a resource's access. */
export function workplaceIn<Workplace extends object>(
  kind: abstract new (...given: never[]) => Workplace,
  { connection }: Pick<ControllerAccess, 'connection'>,
): Workplace {
  if (connection instanceof ProgramConnection && connection.workplace instanceof kind) {
    return connection.workplace
  }
  throw new TypeError(`${connection.host.name} is nothing of a ${kind.name}`)
}

/** The engine's host for something that is made by a program on this machine. */
export function hostToMake(name: string, address: string): Host {
  return {
    name,
    address,
    port: 22,
    user: 'root',
    hostKeys: [],
    privateAddresses: [],
    groups: ['machines'],
    variables: {},
  }
}

function noMachine(hostname: string): Facts {
  return {
    hostname,
    distribution: 'none',
    release: '',
    architecture: 'amd64',
    processors: 1,
    memoryMb: 1,
    container: false,
    clientAddress: '',
  }
}
