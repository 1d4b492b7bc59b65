import type { Host, Inventory } from '../inventory.ts'
import type { Connection } from '../transport/connection.ts'

/** The hosts of a pipeline, as its operators reach them. */
export interface PipelineAccess {
  inventory: Inventory
  connect(host: Host): Promise<Connection>
}

/** Where a message lies in Kafka. */
export interface MessagePlace {
  topic: string
  partition: number
  offset: number
}

/** A message that could not be stored, without what is in it. */
export interface DeadLetter {
  /** `partition:offset` in the topic of dead letters: its name. */
  letter: string
  /** When it was put there. */
  at: string
  /** Where the message lay; `undefined` where somebody else put it there. */
  from: MessagePlace | undefined
  /** `topic:partition:offset` of where it lay at first, before any replay. */
  origin: string | undefined
  reason: string
  bytes: number
  /** What of the message the letter does not have, where it was too long for one. */
  missing: string | undefined
  /** How often it had been replayed before it became this letter. */
  replays: number
  /** Where it was sent by a replay since, and when. */
  replayed: { to: string; at: string } | undefined
}

export interface LetterContent {
  key: Buffer | null
  value: Buffer | null
  headers: Record<string, string>
}

/** Which letters are meant; what is left out is not looked at. */
export interface LetterFilter {
  /** Names of letters, or places that messages lay at. */
  letters?: readonly string[]
  topic?: string
  partition?: number
  offsets?: { first: number; last: number }
  /** A part of the reason, in small or large letters. */
  reason?: string
  /** Also those that were replayed since. */
  replayed?: boolean
}

export interface ReplayOutcome {
  letter: string
  /** `topic:partition:offset` of where it lies now. */
  to?: string
  /** Why it was not sent. */
  failure?: string
}

/** The topic of dead letters of a running pipeline. */
export interface DeadLetterTopic {
  /** The oldest first. */
  list(filter: LetterFilter): Promise<DeadLetter[]>
  content(letter: DeadLetter): Promise<LetterContent>
  /** Sends messages again as they were, to where they came from. */
  replay(letters: readonly DeadLetter[], onOutcome: (outcome: ReplayOutcome) => void): Promise<void>
}

export interface DeadLetterControls {
  open<Result>(
    access: PipelineAccess,
    topic: string,
    use: (deadLetters: DeadLetterTopic) => Promise<Result>,
  ): Promise<Result>
}

/** What a running pipeline did for a while. */
export interface Measured {
  seconds: number
  /** Messages a second that were written to the topics: P. */
  arriving: number
  /** Messages a second that were stored or sent to the dead letters. */
  processed: number
  /** Messages that wait, at the end. */
  lag: number
  partitions: number
  processors: number
  /** Of each processor. */
  cpuSeconds: number[]
  /** Time of bulk inserts, several at once counted several times. */
  writeSeconds: number
  /** Documents that processors inserted. */
  inserted: number
  /** Documents that MongoDB inserted, changed and deleted. */
  writes: number
  writeP95: number | undefined
}

export interface CapacityWishes {
  /** How long is measured. */
  seconds: number
  /** S, 1.2 to 1.5. */
  safety: number
  /** H. */
  headroom: number
  /** W, where somebody has measured it. */
  writesPerSecond?: number
  topics: readonly string[]
  group: string
}

export interface CapacityReport {
  measured: Measured
  processors: {
    needed: number
    running: number
    /** More than this have no partition to read. */
    most: number
    secondsPerMessage: number
    cpuPerMessage: number
    writingPerMessage: number
    safety: number
    /** Share of a core. */
    busiest: number
    lagLimit: number
  }
  database: {
    writesPerMessage: number
    /** Writes a second that what arrives takes. */
    demanded: number
    /** Writes a second that MongoDB can do; `undefined` where nothing was written. */
    sustained: number | undefined
    estimated: boolean
    headroom: number
    enough: boolean | undefined
  }
  /** What should be changed; nothing where all is well. */
  advice: { what: 'scale out' | 'scale in' | 'more partitions' | 'database'; why: string }[]
}

export interface CapacityControls {
  report(access: PipelineAccess, wishes: CapacityWishes, signal: AbortSignal): Promise<CapacityReport>
}
