import type { InventoryProgress } from '../../engine/inventory.ts'
import { bridgeExists } from './bridge.ts'
import { bringUp, takeDown } from './lifecycle.ts'
import { bridgeName } from './names.ts'
import type { LabSettings } from './settings.ts'
import { status } from './status.ts'

/** The lab of a project, as its resource sees it. */
export class Workplace {
  readonly #settings: LabSettings
  readonly #signal: AbortSignal

  constructor(settings: LabSettings, signal: AbortSignal) {
    this.#settings = settings
    this.#signal = signal
  }

  /** The hosts that are there and those that should be, by name. */
  async states(): Promise<Map<string, 'running' | 'stopped' | 'missing'>> {
    return new Map((await status(this.#settings)).map(({ name, state }) => [name, state]))
  }

  /** What there is of the lab on this machine. */
  async remains(): Promise<string[]> {
    const there = [...(await this.states())].filter(([, state]) => state !== 'missing')
    return [
      ...there.map(([name, state]) => `${name} (${state})`),
      ...(bridgeExists(this.#settings) ? [`the network ${bridgeName(this.#settings)}`] : []),
    ]
  }

  bringUp(progress: InventoryProgress): Promise<void> {
    return bringUp(this.#settings, this.#settings.count, progress, this.#signal)
  }

  takeDown(progress: InventoryProgress): Promise<void> {
    return takeDown(this.#settings, progress)
  }
}
