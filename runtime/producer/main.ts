import { ConfigurationError, configurationExitCode, ProducerEnvironment, readEnvironment } from '../config.ts'
import { createKafka } from '../kafka-client.ts'
import { createLog, type Logger } from '../log.ts'
import { stopSignal } from '../stop-signal.ts'
import { type Command, parseCommandLine, UsageError, usage, usageExitCode } from './command-line.ts'
import { examine } from './doctor.ts'
import { GpuSourceError } from './gpu.ts'
import { MemoryOutbox } from './memory-outbox.ts'
import { keepMetricsFile } from './metrics.ts'
import type { Outbox } from './outbox.ts'
import { Sender } from './sender.ts'
import { createGpuSource } from './source.ts'
import { SpoolError } from './spool/lock.ts'
import { Spool } from './spool/spool.ts'
import { SpoolingOutbox } from './spooling-outbox.ts'
import { stream } from './stream.ts'

/** How long what is in hand may take to be acknowledged after a request to stop. */
const longestStopMs = 6000

async function main(words: string[]): Promise<number> {
  const command = parseCommandLine(words)
  if (command.kind === 'help') {
    process.stdout.write(usage)
    return 0
  }
  const environment = readEnvironment(ProducerEnvironment, process.env)
  const log = createLog('producer', environment.LOG_LEVEL, 'stderr')
  return command.kind === 'doctor' ? doctor(environment, command, log) : send(environment, command, log)
}

async function doctor(
  environment: ProducerEnvironment,
  { json }: Extract<Command, { kind: 'doctor' }>,
  log: Logger,
): Promise<number> {
  // What kafkajs says on the way would be said twice.
  log.level = 'silent'
  const findings = await examine(environment, kafkaOf(environment, log))
  const lines = findings.map(({ check, ok, detail }) => `${ok ? 'ok    ' : 'failed'}  ${check}: ${detail}`)
  process.stdout.write(`${json ? JSON.stringify({ findings }) : lines.join('\n')}\n`)
  return findings.every(({ ok }) => ok) ? 0 : 1
}

async function send(
  environment: ProducerEnvironment,
  { follow, marker }: Extract<Command, { kind: 'send' }>,
  log: Logger,
): Promise<number> {
  const giveUp = new AbortController()
  const stop = stopSignal((name) => {
    log.info({ signal: name }, 'stopping')
    setTimeout(() => giveUp.abort(), longestStopMs).unref()
    setTimeout(() => process.exit(1), longestStopMs + 2000).unref()
  })
  const source = await createGpuSource(environment)
  const outbox = await openOutbox(environment, log)
  log.info({ source: source.name, follow, marker }, 'sending')
  if (source.remark !== undefined) log.warn(source.remark)
  if (!follow) {
    const pauses = environment.BATCH * environment.SLEEP_SEC
    setTimeout(() => giveUp.abort(), (pauses + environment.SEND_TIMEOUT_SEC) * 1000).unref()
  }
  const { METRICS_FILE, TOPIC_METRIC, TOPIC_TOKEN, KAFKA_TOPIC } = environment
  const topics = [TOPIC_METRIC, KAFKA_TOPIC ?? TOPIC_TOKEN]
  const endMetrics = keepMetricsFile(METRICS_FILE, { outbox, topics, log })
  const report = await stream(
    environment,
    { source, outbox, log },
    { iterations: follow ? undefined : environment.BATCH, marker, stop, giveUp: giveUp.signal },
  )
  process.stdout.write(`${JSON.stringify({ marker, ...report })}\n`)
  await outbox.close()
  await endMetrics()
  return report.complete ? 0 : 1
}

async function openOutbox(environment: ProducerEnvironment, log: Logger): Promise<Outbox> {
  const { SPOOL_DIR: directory, SPOOL_MB: megabytes } = environment
  const sender = new Sender(kafkaOf(environment, log))
  if (directory === undefined) return new MemoryOutbox(sender, log)
  const spool = await Spool.open({ directory, limitBytes: megabytes * 1_000_000, log })
  return new SpoolingOutbox(sender, spool, log)
}

const kafkaOf = (environment: ProducerEnvironment, log: Logger) =>
  createKafka({
    brokers: environment.KAFKA_BOOTSTRAP,
    clientId: `producer-${environment.HOSTNAME}`,
    log,
    retries: 1,
  })

main(process.argv.slice(2)).then(
  (exitCode) => process.exit(exitCode),
  (error) => {
    if (error instanceof UsageError) {
      process.stderr.write(`USAGE  ${error.message}\n${usage}`)
      process.exit(usageExitCode)
    }
    if (error instanceof GpuSourceError) {
      process.stderr.write(`GPU_SOURCE  ${error.message}\n  do   ${error.advice}\n`)
      process.exit(1)
    }
    if (error instanceof SpoolError) {
      process.stderr.write(`SPOOL  ${error.message}\n  do   ${error.advice}\n`)
      process.exit(1)
    }
    if (error instanceof ConfigurationError) {
      process.stderr.write(`${error.message}\n`)
      process.exit(configurationExitCode)
    }
    throw error
  },
)
