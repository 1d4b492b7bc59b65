import { parseArgs } from 'node:util'
import { reasonOf } from '../reason.ts'

export type Command =
  | { kind: 'send'; follow: boolean; marker: string | undefined }
  | { kind: 'doctor'; json: boolean }
  | { kind: 'help' }

/** The command line asks for something that there is not. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** EX_USAGE of sysexits.h. */
export const usageExitCode = 64

export const usage = `Usage: producer [--follow] [--marker TEXT]   sends events: BATCH iterations, or until SIGTERM
       producer doctor [--json]                says what it can reach, and sends nothing

It is configured by the environment: KAFKA_BOOTSTRAP (needed), TOPIC_METRIC, TOPIC_TOKEN, KAFKA_TOPIC,
GPU_METRICS_SOURCE (seed, nvidia-smi, nvml, auto), NVML_BINDING, GPU_SEED, PRICE_PER_HOUR_USD, BATCH, SLEEP_SEC, SEND_TIMEOUT_SEC,
SPOOL_DIR, SPOOL_MB, METRICS_FILE, HOSTNAME, PRODUCER_INSTANCE, PRODUCER_INSTANCES, LOG_LEVEL.

While Kafka is away events wait in SPOOL_DIR, oldest first, up to SPOOL_MB; newer ones are then lost, and the log says so.
The report says what was acknowledged, what is spooled and what was given up. A run of BATCH iterations ends with 0 only
when all of it was acknowledged, one with --follow when nothing was given up.
`

/** Reads the words after the program's name. */
export function parseCommandLine(words: string[]): Command {
  const { values, positionals } = parsed(words)
  const [command, ...others] = positionals
  if (values.help) return { kind: 'help' }
  if (others.length > 0 || (command !== undefined && command !== 'doctor')) {
    throw new UsageError(`there is no command ${JSON.stringify(positionals.join(' '))}`)
  }
  if (command === 'doctor') {
    if (values.follow || values.marker !== undefined) throw new UsageError('doctor takes only --json')
    return { kind: 'doctor', json: values.json }
  }
  if (values.json) throw new UsageError('--json belongs to doctor; the report of a run is JSON always')
  if (values.marker !== undefined && (values.marker === '' || values.marker.length > 128)) {
    throw new UsageError('--marker should be a text of 1 to 128 characters')
  }
  return { kind: 'send', follow: values.follow, marker: values.marker }
}

function parsed(words: string[]) {
  try {
    return parseArgs({
      args: words,
      allowPositionals: true,
      options: {
        follow: { type: 'boolean', default: false },
        marker: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
  } catch (error) {
    throw new UsageError(reasonOf(error))
  }
}
