import { setTimeout as sleep } from 'node:timers/promises'
import type {
  $Command,
  EC2Client,
  EC2ClientResolvedConfig,
  ServiceInputTypes,
  ServiceOutputTypes,
} from '@aws-sdk/client-ec2'
import { SluiceError } from '../../../engine/errors.ts'
import type { RegionClient } from '../client.ts'
import { allOf } from '../pages.ts'
import { creationFailure } from './refusal.ts'

type Ec2Command<Input extends ServiceInputTypes, Output extends ServiceOutputTypes> = $Command<
  Input,
  Output,
  EC2ClientResolvedConfig,
  ServiceInputTypes,
  ServiceOutputTypes
>

export interface Patience {
  /** What is waited for, for the error: `the VPC is there`. */
  what: string
  seconds: number
  progress?: (message: string) => void
}

/** The first wait between two questions, and the longest one. */
const pauseMs = { first: 200, longest: 5000 }

/** The EC2 API of one region, whose errors are the user's to act on. */
export class RegionApi {
  readonly region: string
  readonly #client: EC2Client
  readonly #profile: string | undefined
  readonly #signal: AbortSignal | undefined

  constructor({ region, client, profile }: RegionClient, signal?: AbortSignal) {
    this.region = region
    this.#client = client
    this.#profile = profile
    this.#signal = signal
  }

  get paging() {
    return { client: this.#client, pageSize: 100 }
  }

  get sending() {
    return this.#signal === undefined ? {} : { abortSignal: this.#signal }
  }

  /** For another service of the same region: with the same credentials, and as patient. */
  get settings() {
    const { credentials, maxAttempts, retryMode, requestHandler } = this.#client.config
    return { region: this.region, credentials, maxAttempts, retryMode, requestHandler }
  }

  /**
   * Asks one thing. It is not broken off when the run is stopped: what was asked for would be made all the same.
   *
   * @throws SluiceError AWS_CREDENTIALS, AWS_DENIED, AWS_QUOTA, AWS_CAPACITY, AWS_CONFLICT, AWS_REFUSED, AWS_UNAVAILABLE
   */
  async send<Input extends ServiceInputTypes, Output extends ServiceOutputTypes>(
    command: Ec2Command<Input, Output>,
  ): Promise<Output> {
    try {
      return await this.#client.send(command)
    } catch (error) {
      const action = command.constructor.name.replace(/Command$/, '')
      throw creationFailure(error, { action, region: this.region, profile: this.#profile })
    }
  }

  /** Everything on all pages. */
  list<Page, Item>(
    action: string,
    pages: AsyncIterable<Page>,
    itemsOf: (page: Page) => Item[] | undefined,
  ): Promise<Item[]> {
    return allOf(pages, itemsOf, { action, region: this.region, profile: this.#profile })
  }

  /**
   * Asks again and again until the answer is there.
   *
   * @throws SluiceError AWS_UNAVAILABLE when the time is up, INTERRUPTED when the run is stopped
   */
  async until<Answer>(
    { what, seconds, progress }: Patience,
    ask: () => Promise<Answer | undefined>,
  ): Promise<Answer> {
    const started = performance.now()
    let pause = pauseMs.first
    for (;;) {
      const answer = await ask()
      if (answer !== undefined) return answer
      const waited = (performance.now() - started) / 1000
      if (waited > seconds) {
        throw new SluiceError('AWS_UNAVAILABLE', {
          subject: `after ${seconds} s it is still not so that ${what}`,
          advice: 'see in the console of AWS what it waits for, then run again: it goes on from there',
        })
      }
      if (waited > 2) progress?.(`waits until ${what}, ${Math.round(waited)} s so far`)
      await sleep(pause, undefined, this.#signal === undefined ? {} : { signal: this.#signal }).catch(
        (cause: unknown) => {
          throw new SluiceError('INTERRUPTED', {
            subject: 'the run was stopped',
            advice: 'run again: it goes on from what there is at AWS',
            cause,
          })
        },
      )
      pause = Math.min(pause * 1.5, pauseMs.longest)
    }
  }

  close(): void {
    this.#client.destroy()
  }
}
