import { type Host, noPort } from '../engine/inventory.ts'
import type { ControllerAccess } from '../engine/resource.ts'
import { MachinelessConnection } from './machineless-connection.ts'

/** What a program makes as the engine's host: all goes through that program, nothing through a shell. */
export class ProgramConnection extends MachinelessConnection {
  /** What the resources work with. */
  readonly workplace: object

  constructor(host: Host, workplace: object) {
    super(host, 'none')
    this.workplace = workplace
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
    port: noPort,
    user: 'root',
    hostKeys: [],
    privateAddresses: [],
    groups: ['machines'],
    variables: {},
  }
}
