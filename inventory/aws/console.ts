import { GetConsoleOutputCommand } from '@aws-sdk/client-ec2'
import { openRegions, type RegionClient } from './client.ts'
import { consoleHostKeys } from './console-keys.ts'
import { awsFailure } from './failure.ts'
import type { Seen } from './pin.ts'
import type { AwsSettings } from './settings.ts'

/** The consoles of instances, by region. */
export class Consoles {
  readonly #settings: AwsSettings
  readonly #signal: AbortSignal | undefined
  #regions: Promise<RegionClient[]> | undefined

  constructor(settings: AwsSettings, signal: AbortSignal | undefined) {
    this.#settings = settings
    this.#signal = signal
  }

  /**
   * What an instance wrote to its console: as it was recorded when it started, else as it is now.
   *
   * @throws SluiceError AWS_CREDENTIALS, AWS_DENIED, AWS_UNAVAILABLE
   */
  async outputOf({ id, region }: Pick<Seen, 'id' | 'region'>): Promise<string> {
    const recorded = await this.#ask(id, region, false)
    if (consoleHostKeys(recorded).length > 0) return recorded
    try {
      return await this.#ask(id, region, true)
    } catch (error) {
      // Instances of older kinds have only the recorded output.
      const { cause } = error as Error
      if (cause instanceof Error && cause.name === 'UnsupportedOperation') return recorded
      throw error
    }
  }

  async close(): Promise<void> {
    for (const { client } of (await this.#regions) ?? []) client.destroy()
  }

  async #ask(InstanceId: string, region: string, Latest: boolean): Promise<string> {
    this.#regions ??= openRegions(this.#settings)
    const regions = await this.#regions
    const client = regions.find((each) => each.region === region)?.client
    if (client === undefined) throw new TypeError(`no region is called ${region}`)
    try {
      const { Output = '' } = await client.send(
        new GetConsoleOutputCommand({ InstanceId, ...(Latest && { Latest }) }),
        this.#signal === undefined ? {} : { abortSignal: this.#signal },
      )
      return Buffer.from(Output, 'base64').toString('latin1')
    } catch (error) {
      throw awsFailure(error, { action: 'GetConsoleOutput', region, profile: this.#settings.profile })
    }
  }
}
