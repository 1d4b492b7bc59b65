import {
  ConfigurationError,
  configurationExitCode,
  ProcessorEnvironment,
  readEnvironment,
} from '../config.ts'
import { createLog } from '../log.ts'
import { stopSignal } from '../stop-signal.ts'
import { Recent } from './dashboard/recent.ts'
import { runProcessor } from './processor.ts'

/** Ending takes no longer than this, whatever is away: what is not committed by then is read again. */
const longestStopMs = 8000

async function main(): Promise<void> {
  const environment = readEnvironment(ProcessorEnvironment, process.env)
  const recent = new Recent()
  const log = createLog('processor', environment.LOG_LEVEL, 'stdout', recent.hear)
  const fail = (error: unknown) => {
    log.fatal({ err: error }, 'the processor cannot go on')
    process.exit(1)
  }
  process.on('uncaughtException', fail)
  process.on('unhandledRejection', fail)
  const signal = stopSignal((name) => {
    log.info({ signal: name }, 'stopping')
    setTimeout(() => {
      log.warn('stopped without having committed all; what is missing is read again')
      process.exit(0)
    }, longestStopMs).unref()
  })
  try {
    await runProcessor(environment, { log, signal, recent })
  } catch (error) {
    fail(error)
  }
  log.info('stopped')
  process.exit(0)
}

main().catch((error) => {
  if (!(error instanceof ConfigurationError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exit(configurationExitCode)
})
