import type { CapacityReport, CapacityWishes, Measured } from '../../engine/cli/pipeline-controls.ts'

/** Bulk inserts that a processor has under way at once: `batchesAtOnce` of runtime/processor/consumer.ts. */
const writersOfProcessor = 4

/** Lag is scaled for when it is more than arrives in this time. */
const lagSeconds = 120

const cpu = { high: 0.7, low: 0.4 }

/** Writing slower than this is MongoDB's matter, not that of the number of processors. */
const slowWriteSeconds = 0.03

/** Lag of less than arrives in this time is none. */
const noLagSeconds = 1

/**
 * How many processors and how much of MongoDB the measured load takes: `C = ceil(P · t_proc · S)` and `P · w ≤ W · H`.
 * Where nothing was processed `t_proc` is not known, and one processor is as few as there can be.
 */
export function capacityOf(
  measured: Measured,
  { safety, headroom, writesPerSecond }: CapacityWishes,
): CapacityReport {
  const { arriving, processed, seconds, processors, cpuSeconds, writeSeconds, inserted, lag } = measured
  const messages = processed * seconds
  const perMessage = (total: number): number => (messages === 0 ? 0 : total / messages)
  const cpuPerMessage = perMessage(cpuSeconds.reduce((sum, each) => sum + each, 0))
  // Four writes of a processor go on at once: of each message's write it waits for a quarter.
  const writingPerMessage = perMessage(writeSeconds) / writersOfProcessor
  const secondsPerMessage = Math.max(cpuPerMessage, writingPerMessage)
  const needed = Math.max(1, Math.ceil(arriving * secondsPerMessage * safety))
  const writesPerMessage = perMessage(measured.writes)
  const estimated =
    writeSeconds === 0 ? undefined : (inserted / writeSeconds) * writersOfProcessor * processors
  const sustained = writesPerSecond ?? estimated
  const demanded = arriving * writesPerMessage
  const allowed = sustained === undefined ? undefined : sustained * headroom
  const busiest = Math.max(0, ...cpuSeconds) / seconds
  const lagLimit = arriving * lagSeconds
  return {
    measured,
    processors: {
      needed,
      running: processors,
      most: measured.partitions,
      secondsPerMessage,
      cpuPerMessage,
      writingPerMessage,
      safety,
      busiest,
      lagLimit,
    },
    database: {
      writesPerMessage,
      demanded,
      sustained,
      estimated: writesPerSecond === undefined,
      headroom,
      enough: allowed === undefined ? undefined : demanded <= allowed,
    },
    advice: adviceOf(
      { needed, processors, busiest, lag, lagLimit, arriving, most: measured.partitions },
      {
        slow: (measured.writeP95 ?? 0) > slowWriteSeconds,
        full: allowed !== undefined && demanded > allowed,
      },
    ),
  }
}

function adviceOf(
  load: {
    needed: number
    processors: number
    busiest: number
    lag: number
    lagLimit: number
    arriving: number
    most: number
  },
  database: { slow: boolean; full: boolean },
): CapacityReport['advice'] {
  const { needed, processors, busiest, lag, lagLimit, arriving, most } = load
  const advice: CapacityReport['advice'] = []
  const reasons = [
    ...(needed > processors ? [`the load takes ${needed} processors, ${processors} run`] : []),
    ...(busiest > cpu.high
      ? [`a processor is at ${percent(busiest)} of a core, above ${percent(cpu.high)}`]
      : []),
    ...(lag > lagLimit && lag > arriving * noLagSeconds
      ? [`${Math.round(lag)} messages wait, more than arrive in ${lagSeconds} s`]
      : []),
  ]
  if (reasons.length > 0) {
    advice.push({
      what: processors >= most ? 'more partitions' : 'scale out',
      why: `${reasons.join('; ')}. If that lasts 5 to 10 minutes, ${processors >= most ? `give the topics more partitions: more processors than ${most} have nothing to read` : 'start another processor'}`,
    })
  } else if (processors > needed && lag <= arriving * noLagSeconds && busiest < cpu.low) {
    advice.push({
      what: 'scale in',
      why: `${needed} of ${processors} processors would do, nothing waits and none is above ${percent(cpu.low)} of a core. If that lasts 15 minutes, stop one`,
    })
  }
  if (database.full) {
    advice.push({
      what: 'database',
      why: 'the writes leave less headroom than they should: give MongoDB a faster disk or more memory, or shard',
    })
  }
  if (database.slow) {
    advice.push({
      what: 'database',
      why: 'the slowest 5 % of the bulk inserts take longer than 30 ms: look at the disk and cache of MongoDB first; more processors would not help',
    })
  }
  return advice
}

const percent = (share: number): string => `${Math.round(share * 100)} %`
