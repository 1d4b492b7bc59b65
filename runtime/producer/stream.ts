import type { Message } from 'kafkajs'
import type { ProducerEnvironment } from '../config.ts'
import { pause } from '../pause.ts'
import { createEvents } from './events.ts'
import type { GpuSource } from './gpu.ts'
import type { Counts, Sender } from './sender.ts'

/** Iterations that go into one request where there is no pause between them. */
const iterationsAtOnce = 250

/** What a run of the producer has done. */
export interface Report extends Counts {
  iterations: number
  complete: boolean
  elapsed_seconds: number
}

/** How the stream ends. */
export interface StreamOptions {
  /** How many iterations to make; without a number, until `stop`. */
  iterations: number | undefined
  marker: string | undefined
  /** No more events are made from here on. */
  stop: AbortSignal
  /** What is not acknowledged by then is given up. */
  giveUp: AbortSignal
}

/** Makes and sends events, one GPU after the other, and reports. */
export async function stream(
  environment: ProducerEnvironment,
  { source, sender }: { source: GpuSource; sender: Sender },
  { iterations = Number.POSITIVE_INFINITY, marker, stop, giveUp }: StreamOptions,
): Promise<Report> {
  const usageTopic = environment.KAFKA_TOPIC ?? environment.TOPIC_TOKEN
  const sleepMs = environment.SLEEP_SEC * 1000
  const startedAt = Date.now()
  let made = 0
  let complete = true
  while (made < iterations && !stop.aborted && !giveUp.aborted) {
    const samples: Message[] = []
    const usages: Message[] = []
    const gpus = await source.read()
    const size = Math.min(sleepMs === 0 ? iterationsAtOnce : 1, iterations - made)
    for (let each = 0; each < size; each += 1) {
      const gpu = gpus[(made + each) % gpus.length]
      if (gpu === undefined) throw new TypeError(`${source.name} gave no GPU`)
      const events = createEvents(gpu, { marker, random: Math.random, now: new Date() })
      samples.push(events.sample)
      usages.push(events.usage)
    }
    made += size
    const topicMessages = [
      { topic: environment.TOPIC_METRIC, messages: samples },
      { topic: usageTopic, messages: usages },
    ]
    complete = (await sender.send(topicMessages, giveUp)) && complete
    if (made < iterations) await pause(sleepMs, stop)
  }
  const wanted = iterations === Number.POSITIVE_INFINITY || made === iterations
  return {
    iterations: made,
    ...sender.counts,
    complete: complete && wanted,
    elapsed_seconds: (Date.now() - startedAt) / 1000,
  }
}
