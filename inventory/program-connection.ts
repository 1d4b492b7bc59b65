import { type Host, noPort } from '../engine/inventory.ts'
import type { ControllerAccess, Step } from '../engine/resource.ts'
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

/** A step that is done by what is behind a resource's access, and not on a host. */
export function programStep<Workplace extends object>(
  kind: abstract new (...given: never[]) => Workplace,
  summary: string,
  act: (workplace: Workplace, progress: (message: string) => void) => Promise<void>,
): Step {
  return {
    kind: 'controller',
    summary,
    act: (access) => act(workplaceIn(kind, access), (message) => access.progress(message)),
  }
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
