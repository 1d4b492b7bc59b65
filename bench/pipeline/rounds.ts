import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { InventoryProgress } from '../../engine/inventory.ts'
import { nodeOptions } from '../../roles/node.ts'
import type { BenchCircumstances } from '../command.ts'
import { type ContenderName, contenderTitles } from './contenders.ts'
import { rateOf, type SpeedRun } from './figures.ts'
import type { Measurements } from './goals.ts'
import { type Ground, makeTopics, prepareGround, prepareTrial, type Topics, type Trial } from './ground.ts'
import { measureMinutes } from './measure-minutes.ts'
import { measurePace } from './measure-pace.ts'
import { measureProducer } from './measure-producer.ts'
import { feed, measureContender, measureFloor } from './measure-speed.ts'
import type { PipelineBenchOptions } from './options.ts'
import { pipelineConditions, writePipelineResults } from './results.ts'
import { connectVersions, ensureConnect, startConnect } from './start/connect.ts'
import type { Contender } from './start/contender.ts'
import { ensurePython, pythonPackages, startPython } from './start/python.ts'
import { startSluice } from './start/sluice.ts'

/** The heap that the role gives the processor where nothing else is said. */
const heapMb = 192

const eventsPerSecondInBacklog = 2000

/** Measures everything that is asked for, and writes the results after each run. */
export async function measurePipeline(
  options: PipelineBenchOptions,
  { command, progress, signal }: BenchCircumstances,
): Promise<void> {
  const starters = await prepareStarters(options, progress)
  progress('starting ZooKeeper, Kafka and mongod')
  const ground = await prepareGround()
  const measurements: Measurements = { speed: [], pace: [], minutes: [], producer: [] }
  const write = () =>
    writePipelineResults(options.out, {
      ...{ command, ...pipelineConditions(), versions: versionsOf(options), messages: options.messages },
      ...measurements,
    })
  try {
    if (options.contenders.length > 0) {
      progress(`sending ${options.messages} events`)
      const topics = await fill(ground, options)
      for (let round = 1; round <= options.runs; round += 1) {
        for (const contender of inTurn(options.contenders, round)) {
          signal.throwIfAborted()
          const run = await runOnce({ contender, round }, { ground, topics, starters, options })
          measurements.speed.push(run)
          progress(`round ${round}, ${contenderTitles[contender]}: ${described(run)}`)
          await write()
        }
      }
    }
    if (options.pace > 0) {
      signal.throwIfAborted()
      progress(`sending ${options.pace} events a second for ${options.paceSeconds} s`)
      await inTrial(ground, await makeTopics(ground, 'paced'), async (trial) => {
        const contender = await starters.sluice(trial, ground)
        await untilReady(contender)
        const { pace, paceSeconds: seconds, seed } = options
        measurements.pace.push(await measurePace(ground, trial, contender, { pace, seconds, seed }))
      })
      await write()
    }
    if (options.producerSeconds > 0) {
      signal.throwIfAborted()
      progress(`having the producer send for ${options.producerSeconds} s`)
      measurements.producer.push(await measureProducer(ground, { seconds: options.producerSeconds, signal }))
      await write()
    }
    if (options.minutes > 0) {
      await inTrial(ground, await makeTopics(ground, 'long'), async (trial) => {
        const contender = await starters.sluice(trial, ground)
        for await (const minute of measureMinutes(ground, trial, contender, { ...options, signal })) {
          measurements.minutes.push(minute)
          progress(
            `minute ${minute.minute}: ${Math.round(minute.documents / 60)} documents/s, ${minute.residentMb.toFixed(0)} MB`,
          )
          await write()
        }
      })
    }
  } finally {
    await ground.remove()
  }
  progress(`written: ${join(options.out, 'pipeline.md')}, pipeline.svg and pipeline.json`)
}

type Starters = Record<
  'sluice' | 'connect' | 'connect-keyed' | 'python',
  (trial: Trial, ground: Ground) => Promise<Contender>
>

async function prepareStarters(
  { contenders, cache, nodeFlags }: PipelineBenchOptions,
  progress: InventoryProgress,
): Promise<Starters> {
  const jars = withConnect(contenders) ? await ensureConnect(cache, progress) : ''
  const python = contenders.includes('python') ? await ensurePython(progress) : ''
  return {
    sluice: (trial, { bundle }) =>
      startSluice(trial, { bundle, nodeFlags: [...nodeOptions(heapMb), ...nodeFlags] }),
    connect: (trial) => startConnect(trial, { home: jars, identity: 'driver' }),
    'connect-keyed': (trial) => startConnect(trial, { home: jars, identity: 'event' }),
    python: (trial) => startPython(trial, python),
  }
}

const withConnect = (contenders: readonly ContenderName[]): boolean =>
  contenders.includes('connect') || contenders.includes('connect-keyed')

/** Every second round goes backwards, so that what grows or wears out over a round favours nobody. */
function inTurn(contenders: readonly ContenderName[], round: number): ContenderName[] {
  return round % 2 === 1 ? [...contenders] : contenders.toReversed()
}

async function fill(ground: Ground, { messages, seed }: PipelineBenchOptions): Promise<Topics> {
  const topics = await makeTopics(ground, 'stream')
  await feed(ground, { topics, messages, ...streamOf({ messages, seed }), paced: false })
  return topics
}

const streamOf = ({ messages, seed }: { messages: number; seed: number }) => ({
  seed,
  startMs: Date.now() - (messages * 1000) / eventsPerSecondInBacklog,
  eventsPerSecond: eventsPerSecondInBacklog,
})

async function runOnce(
  { contender, round }: { contender: ContenderName; round: number },
  {
    ground,
    topics,
    starters,
    options,
  }: { ground: Ground; topics: Topics; starters: Starters; options: PipelineBenchOptions },
): Promise<SpeedRun> {
  const { messages, seed, pythonSeconds } = options
  const { services } = ground
  const measured = await inTrial(ground, topics, async (trial) => {
    if (contender === 'insert-floor') {
      const { mongodbUri } = trial
      const order = { mongodbUri, documents: messages, ...streamOf({ messages, seed }) }
      return measureFloor(contender, trial, order, services)
    }
    if (contender === 'read-floor') {
      const { bootstrap, group } = trial
      const order = { bootstrap, group, messages, topics: Object.values(topics) }
      return measureFloor(contender, trial, order, services)
    }
    const longestSeconds = contender === 'python' ? pythonSeconds : 600
    return measureContender(contender, trial, await starters[contender](trial, ground), {
      services,
      messages,
      longestSeconds,
    })
  })
  return { contender, round, ...measured }
}

async function inTrial<Result>(
  ground: Ground,
  topics: Topics,
  work: (trial: Trial) => Promise<Result>,
): Promise<Result> {
  const trial = await prepareTrial(ground, topics)
  try {
    return await work(trial)
  } finally {
    await trial.remove()
  }
}

async function untilReady({ healthUrl }: Contender): Promise<void> {
  const url = healthUrl.replace(/health$/, 'ready')
  for (const startedAt = Date.now(); Date.now() - startedAt < 30_000; await sleep(100)) {
    const answer = await fetch(url).catch(() => undefined)
    if (answer?.ok) return
  }
  throw new Error('the processor was not ready within 30 s')
}

const described = (run: SpeedRun): string =>
  `${Math.round(rateOf(run))} documents/s, ${((run.cpuMs * 1000) / run.documents).toFixed(1)} µs of processor time each${run.peakMb === undefined ? '' : `, ${run.peakMb.toFixed(0)} MB`}`

function versionsOf({ contenders }: PipelineBenchOptions): Record<string, string> {
  return {
    Node: process.versions.node,
    Kafka: '3.7.0',
    ...(withConnect(contenders) ? connectVersions : {}),
    ...(contenders.includes('python') ? pythonPackages : {}),
  }
}
