import type { SpooledEvent } from './spool/record.ts'

/** Numbers of events by topic. */
export type ByTopic = Record<string, number>

/** What became of events. */
export interface Counts {
  /** Of this run, and in Kafka on all replicas. */
  acknowledged: ByTopic
  /** Of runs before this one, out of the spool, acknowledged in this one. */
  recovered: ByTopic
  /** Neither acknowledged nor kept, or damaged where they were kept: lost. */
  given_up: ByTopic
}

/** What is counted as the topic of events that cannot be read any more. */
export const unknownTopic = 'unknown'

export const noCounts = (): Counts => ({ acknowledged: {}, recovered: {}, given_up: {} })

export function countIn(counts: ByTopic, events: readonly SpooledEvent[]): void {
  for (const { topic } of events) counts[topic] = (counts[topic] ?? 0) + 1
}

/** What becomes of events at first: in Kafka, on disk until they are, or lost. */
export type Fate = 'acknowledged' | 'spooled' | 'given up'

/** Where events go once they are made. */
export interface Outbox {
  readonly counts: Counts
  /** Bytes that wait on disk, and how many may. */
  readonly fill: { bytes: number; limitBytes: number }
  /** Takes events over, all of them or none. */
  put(events: SpooledEvent[], giveUp: AbortSignal): Promise<Fate>
  /** While what waits on disk is being sent, waits for that a while: for events that are made as fast as can be. */
  relief(giveUp: AbortSignal): Promise<void>
  /**
   * Waits until all is acknowledged. Returns what is kept and not acknowledged.
   *
   * @param patient whether to wait for a Kafka that is away: what is kept is not lost without that
   */
  settle(giveUp: AbortSignal, patient: boolean): Promise<ByTopic>
  close(): Promise<void>
}

/** Events as a request to Kafka: the order within a topic is theirs. */
export function toRequest(
  events: readonly SpooledEvent[],
): { topic: string; messages: { key: string; value: string }[] }[] {
  const byTopic = new Map<string, { key: string; value: string }[]>()
  for (const event of events) {
    const messages = byTopic.get(event.topic)
    // kafkajs reads key and value of whatever it is given.
    if (messages === undefined) byTopic.set(event.topic, [event])
    else messages.push(event)
  }
  return [...byTopic].map(([topic, messages]) => ({ topic, messages }))
}
