import { reasonOf, SluiceError } from '../../engine/errors.ts'
import type { Connection } from '../../engine/transport/connection.ts'
import { journalOf } from './evidence.ts'
import { type CheckResult, type Evidence, titleOf } from './result.ts'

/** What a check found: what later ones need of it, or why they cannot be made. */
export type Outcome<Value> = { passed: true; value: Value } | { passed: false; reason: string }

/** What a check that passed says. */
export interface Answer<Value> {
  detail: string
  value: Value
}

/** Something is not as it should be. */
export class CheckFailure extends Error {
  override readonly name = 'CheckFailure'
  readonly advice: string | undefined
  readonly look: Evidence[]
  /** What of the pipeline did not answer, where nothing else is wrong. */
  readonly lacks: CheckResult['lacks']

  constructor(
    detail: string,
    { advice, look = [], lacks }: { advice?: string; look?: Evidence[]; lacks?: CheckResult['lacks'] } = {},
  ) {
    super(detail)
    this.advice = advice
    this.look = look
    this.lacks = lacks
  }
}

/** What a client could not do, said as what was asked of whom. An error that says so itself stays as it is. */
export function unanswered(subject: string, error: unknown): Error {
  if (error instanceof SluiceError || error instanceof CheckFailure || error instanceof TypeError)
    return error
  return new CheckFailure(`${subject}: ${reasonOf(error)}`, {
    advice: 'its journal says why; a unit that is active and does not answer hangs, or still starts',
  })
}

/** A unit whose journal explains a failure. */
export interface Suspect {
  connection: Connection
  unit: string
}

export interface Question<Value> {
  name: string
  host?: string
  /** What must have passed for this to make sense. */
  needs?: readonly Outcome<unknown>[]
  suspects?: readonly Suspect[]
  advice?: string
  /** @throws CheckFailure, or any error, whose message is then the finding */
  run(): Promise<Answer<Value>> | Answer<Value>
}

const stopped = { passed: false, reason: 'stopped from outside' } as const

/** Makes checks, times them and keeps what they found. A check that fails never keeps others from being made. */
export class Checklist {
  readonly results: CheckResult[] = []
  readonly #onResult: (result: CheckResult) => void
  readonly #signal: AbortSignal

  constructor({ onResult, signal }: { onResult(result: CheckResult): void; signal: AbortSignal }) {
    this.#onResult = onResult
    this.#signal = signal
  }

  async check<Value>(question: Question<Value>): Promise<Outcome<Value>> {
    const { needs = [], suspects = [] } = question
    const missing = this.#signal.aborted ? stopped : needs.find((need) => !need.passed)
    if (missing?.passed === false) return this.skip(question, missing.reason)
    const startedAt = performance.now()
    try {
      const { detail, value } = await question.run()
      this.#record(question, { status: 'passed', detail, look: [], durationMs: since(startedAt) })
      return { passed: true, value }
    } catch (error) {
      // What a stop interrupts has not been found out.
      if (this.#signal.aborted) return this.skip(question, stopped.reason)
      const { detail, advice = question.advice, look, lacks } = findingOf(error)
      const durationMs = since(startedAt)
      const journals = await Promise.all(suspects.map(({ connection, unit }) => journalOf(connection, unit)))
      this.#record(question, {
        status: 'failed',
        detail,
        ...(advice !== undefined && { advice }),
        look: [...look, ...journals],
        ...(lacks !== undefined && { lacks }),
        durationMs,
      })
      return { passed: false, reason: `${titleOf(question)} failed` }
    }
  }

  /** Notes that something was not looked at, and why. */
  skip(question: { name: string; host?: string }, reason: string): { passed: false; reason: string } {
    this.#record(question, { status: 'skipped', detail: reason, look: [], durationMs: 0 })
    return { passed: false, reason }
  }

  #record({ name, host }: { name: string; host?: string }, rest: Omit<CheckResult, 'name' | 'host'>): void {
    const result = { name, ...(host !== undefined && { host }), ...rest }
    this.results.push(result)
    this.#onResult(result)
  }
}

/** The first of several that passed, where one is enough. */
export function anyOf<Value>(outcomes: readonly Outcome<Value>[], otherwise: string): Outcome<Value> {
  return outcomes.find(({ passed }) => passed) ?? outcomes[0] ?? { passed: false, reason: otherwise }
}

const since = (startedAt: number): number => Math.round(performance.now() - startedAt)

interface Finding extends Pick<CheckResult, 'detail' | 'look'> {
  advice?: string | undefined
  lacks?: CheckResult['lacks']
}

function findingOf(error: unknown): Finding {
  if (error instanceof CheckFailure) {
    const { message: detail, advice, look, lacks } = error
    return { detail, advice, look, lacks }
  }
  if (error instanceof SluiceError) {
    return { detail: reasonOf(error), advice: error.advice, look: [] }
  }
  // These are mistakes of our own; a network or a driver throws others.
  if (!(error instanceof Error) || error instanceof TypeError || error instanceof ReferenceError) throw error
  return { detail: error.message, look: [] }
}
