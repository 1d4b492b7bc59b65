import { type Logger, pino } from 'pino'

export type { Logger }

/**
 * A log of one JSON object a line, for the journal. The producer keeps its stdout for results and logs to stderr.
 */
export function createLog(
  program: string,
  level: string,
  destination: 'stdout' | 'stderr' = 'stdout',
): Logger {
  const file = pino.destination({ fd: destination === 'stdout' ? 1 : 2, sync: true })
  return pino(
    {
      level,
      base: { program },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    file,
  )
}
