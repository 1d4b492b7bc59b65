import { Kafka, logLevel } from 'kafkajs'
import type { Logger } from './log.ts'

/** The bounds between which every connection of ours waits before it tries again. */
const retryMs = { initial: 200, longest: 3000 }

/** A client whose own log lines go where all others go. */
export function createKafka({
  brokers,
  clientId,
  log,
  retries = 5,
}: {
  brokers: string[]
  clientId: string
  log: Logger
  /** How often the client tries by itself before its caller hears of it. */
  retries?: number
}): Kafka {
  return new Kafka({
    brokers,
    clientId,
    connectionTimeout: 3000,
    requestTimeout: 15_000,
    retry: { initialRetryTime: retryMs.initial, maxRetryTime: retryMs.longest, retries },
    logLevel: logLevel.WARN,
    logCreator:
      () =>
      ({ namespace, level, log: { message, timestamp: _, logger: __, stack: ___, ...details } }) => {
        const fields = { kafkajs: namespace, ...details }
        // kafkajs tells as an error what it then tries again by itself; what ends the program is said elsewhere.
        if (level <= logLevel.WARN) log.warn(fields, message)
        else log.debug(fields, message)
      },
  })
}
