import { painter } from '../report/terminal.ts'
import { count } from '../report/wording.ts'
import { columns } from './columns.ts'
import { exitCodes } from './exit-codes.ts'
import type { CommandDocument } from './json-documents.ts'
import type { HostOptions } from './options.ts'
import { readOverrides } from './overrides.ts'
import type { CapacityControls, CapacityReport } from './pipeline-controls.ts'
import { connector, loadHosts, type Session } from './session.ts'

export interface CapacityOptions extends HostOptions {
  seconds: number
  safety: number
  headroom: number
  writesPerSecond?: number
  topics: string[]
  group: string
}

/** `capacity`: whether there are enough processors and enough of MongoDB for what arrives. */
export async function capacityCommand(
  session: Session,
  controls: CapacityControls,
  options: CapacityOptions,
): Promise<number> {
  const { print, progress, signal, stdout } = session
  const [{ withOverrides }, overrides, chosen, connect] = await Promise.all([
    import('../variables.ts'),
    readOverrides(session, options),
    loadHosts(session, options, { create: false }),
    connector(session, options),
  ])
  const { seconds, safety, headroom, topics, group, writesPerSecond } = options
  const access = { inventory: withOverrides(chosen.inventory, overrides), connect }
  progress(`measuring for ${count(seconds, 'second')}`)
  const report = await controls.report(
    access,
    { seconds, safety, headroom, topics, group, ...(writesPerSecond !== undefined && { writesPerSecond }) },
    signal,
  )
  if (options.json) print(JSON.stringify({ type: 'capacity', ...report } satisfies CommandDocument))
  else for (const line of reportLines(report, painter(stdout))) print(line)
  return report.advice.length === 0 ? exitCodes.converged : exitCodes.differs
}

/** A number with about three digits, and commas between thousands. */
const shown = (value: number): string =>
  value.toLocaleString('en-US', { maximumFractionDigits: value >= 100 ? 0 : value >= 1 ? 1 : 3 })

const milliseconds = (seconds: number): string => `${shown(seconds * 1000)} ms`

/** A report as a person reads it: what was measured, both formulas with their numbers, and what to do. */
export function reportLines(
  { measured, processors, database, advice }: CapacityReport,
  paint: ReturnType<typeof painter>,
): string[] {
  const { needed, running, secondsPerMessage, safety, busiest, lagLimit } = processors
  const { arriving, processed, lag, writeP95 } = measured
  const written = columns([
    ['arriving', `${shown(arriving)} messages/s`, 'P, by the ends of the topics'],
    ['processed', `${shown(processed)} messages/s`, count(running, 'processor')],
    [
      'one message',
      measured.processed === 0 ? 'nothing was processed' : milliseconds(secondsPerMessage),
      `t_proc, the larger of CPU ${milliseconds(processors.cpuPerMessage)} and writing ${milliseconds(processors.writingPerMessage)}`,
    ],
    [
      'CPU',
      `${shown(busiest * 100)} % of a core`,
      'the busiest processor; scale out above 70 %, in below 40 %',
    ],
    ['waiting', `${shown(lag)} messages`, `scale out above P · 120 s = ${shown(lagLimit)}`],
    [
      'writing',
      writeP95 === undefined ? 'nothing' : `p95 ${milliseconds(writeP95)}`,
      'look at MongoDB above 30 ms',
    ],
  ])
  const sustained = database.sustained === undefined ? 'unknown' : shown(database.sustained)
  const allowed = database.sustained === undefined ? 'unknown' : shown(database.sustained * database.headroom)
  return [
    `Measured for ${shown(measured.seconds)} s`,
    ...written.map((line) => `  ${line}`),
    '',
    `Processors  C = ceil(P · t_proc · S) = ceil(${shown(arriving)} · ${secondsPerMessage.toPrecision(3)} · ${safety}) = ${needed}; ${running} run, ${processors.most} could have work`,
    `MongoDB     P · w ≤ W · H: ${shown(arriving)} · ${shown(database.writesPerMessage)} = ${shown(database.demanded)} ${database.enough === false ? '>' : '≤'} ${sustained} · ${database.headroom} = ${allowed} writes/s`,
    ...(database.estimated
      ? [
          paint(
            'dim',
            '            W is estimated from how long bulk inserts took; --writes-per-second sets what you have measured',
          ),
        ]
      : []),
    '',
    ...(advice.length === 0
      ? [paint('green', 'It is enough.')]
      : advice.map(({ what, why }) => `${paint('yellow', what)}: ${why}.`)),
  ]
}
