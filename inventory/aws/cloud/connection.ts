import type { Host } from '../../../engine/inventory.ts'
import type { ControllerAccess } from '../../../engine/resource.ts'
import { MachinelessConnection } from '../../machineless-connection.ts'
import { type Holdings, holdingsOf } from './holdings.ts'
import type { RegionApi } from './region-api.ts'
import type { Stack } from './stack.ts'

/** A region as the engine's host: what resources read and change there goes through the EC2 API, nothing through a shell. */
export class RegionConnection extends MachinelessConnection {
  readonly api: RegionApi
  readonly stack: Stack
  #holdings: Promise<Holdings> | undefined

  constructor(host: Host, api: RegionApi, stack: Stack) {
    super(host, 'aws')
    this.api = api
    this.stack = stack
  }

  /** What the stack holds, asked once for all that want to know it at the same time. */
  holdings(): Promise<Holdings> {
    this.#holdings ??= holdingsOf(this.api, this.stack).finally(() => {
      this.#holdings = undefined
    })
    return this.#holdings
  }

  /** Waits until what was made, changed or removed is seen so: at AWS that takes a moment. */
  seen<Found>(what: string, find: (holdings: Holdings) => Found | undefined): Promise<Found> {
    return this.api.until({ what, seconds: 120 }, async () => find(await this.holdings()))
  }

  close(): void {
    this.api.close()
  }
}

/** The region behind a resource's access. */
export function regionOf({ connection }: Pick<ControllerAccess, 'connection'>): RegionConnection {
  if (connection instanceof RegionConnection) return connection
  throw new TypeError(`${connection.host.name} is no region of AWS`)
}
