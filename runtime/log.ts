import { type Logger, pino } from 'pino'

export type { Logger }

/** Is told of every line that is a warning or worse. */
export type LogHeard = (line: { level: 'warn' | 'error' | 'fatal'; message: string }) => void

/**
 * A log of one JSON object a line, for the journal. The producer keeps its stdout for results and logs to stderr.
 */
export function createLog(
  program: string,
  level: string,
  destination: 'stdout' | 'stderr' = 'stdout',
  heard?: LogHeard,
): Logger {
  const file = pino.destination({ fd: destination === 'stdout' ? 1 : 2, sync: true })
  return pino(
    {
      level,
      base: { program },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      hooks: {
        logMethod(inputs, method, level) {
          const label = pino.levels.labels[level]
          if (heard !== undefined && (label === 'warn' || label === 'error' || label === 'fatal')) {
            heard({ level: label, message: messageOf(inputs) })
          }
          method.apply(this, inputs)
        },
      },
    },
    file,
  )
}

/** What a line says: its text, and the error that came with it. */
function messageOf([fields, message]: unknown[]): string {
  if (typeof fields === 'string') return fields
  const error = typeof fields === 'object' && fields !== null && 'err' in fields ? fields.err : undefined
  const why = error instanceof Error ? [error.message] : []
  return [...(typeof message === 'string' ? [message] : []), ...why].join(': ')
}
