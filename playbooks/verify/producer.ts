import * as v from 'valibot'
import { runBatch } from '../../engine/batch.ts'
import { type Script, sh } from '../../engine/shell.ts'
import type { Connection } from '../../engine/transport/connection.ts'
import { account, configurationDirectory, currentRelease } from '../../roles/layout.ts'
import { nodeBinary } from '../../roles/node.ts'
import { type Answer, CheckFailure } from './checklist.ts'
import { linesOf } from './evidence.ts'

export interface BatchSettings {
  /** What the batch is told by in Kafka and MongoDB. */
  marker: string
  /** How many iterations: as many documents in each collection. */
  size: number
  sleepSeconds: number
}

/** The released producer, run once as the services are: by the same account, in the same environment. */
function producerScript(words: readonly string[], settings: readonly string[]): Script {
  // What an environment file sets wins over --setenv, so env comes after it.
  return sh`systemd-run --quiet --pipe --wait --collect --service-type=exec \
    --uid=${account.name} --gid=${account.name} --property=NoNewPrivileges=yes \
    --property=EnvironmentFile=${`${configurationDirectory}/producer.env`} \
    /usr/bin/env ${settings} ${nodeBinary} ${`${currentRelease('producer')}/producer.cjs`} ${words}`
}

const parsedFrom = <const Schema extends v.GenericSchema>(schema: Schema, text: string) =>
  v.safeParse(v.pipe(v.string(), v.parseJson(), schema), text.trim().split('\n').at(-1) ?? '')

const Findings = v.object({
  findings: v.array(v.object({ check: v.string(), ok: v.boolean(), detail: v.string() })),
})

/** Lets the producer's own doctor say what it can reach from its host. */
export async function askDoctor(connection: Connection): Promise<Answer<undefined>> {
  const outcome = await runOnce(connection, producerScript(['doctor', '--json'], ['LOG_LEVEL=error']), 40)
  const parsed = parsedFrom(Findings, outcome.stdout)
  if (!parsed.success) throw unusable('the producer’s doctor', outcome)
  const { findings } = parsed.output
  const wrong = findings.filter(({ ok }) => !ok)
  if (wrong.length === 0) {
    return { detail: `all is well: ${findings.map(({ check }) => check).join(', ')}`, value: undefined }
  }
  const said = wrong.map(({ check, detail }) => `${check}: ${detail}`)
  throw new CheckFailure(said.join('; '), {
    advice: 'look first at what it cannot reach; who gets through to which port is above',
    ...(wrong.every(({ check }) => check === 'kafka') && { lacks: ['kafka'] }),
  })
}

const Report = v.object({
  marker: v.string(),
  iterations: v.number(),
  complete: v.boolean(),
  acknowledged: v.record(v.string(), v.number()),
  given_up: v.record(v.string(), v.number()),
  elapsed_seconds: v.number(),
})

/** Sends a marked batch from a host; passes when Kafka has acknowledged all of it. */
export async function sendBatch(
  connection: Connection,
  { marker, size, sleepSeconds }: BatchSettings,
): Promise<Answer<undefined>> {
  const settings = [`BATCH=${size}`, `SLEEP_SEC=${sleepSeconds}`, 'LOG_LEVEL=warn']
  const outcome = await runOnce(
    connection,
    producerScript(['--marker', marker], settings),
    60 + size * sleepSeconds,
  )
  const parsed = parsedFrom(Report, outcome.stdout)
  if (!parsed.success) throw unusable('the producer', outcome)
  const { complete, iterations, acknowledged, given_up, elapsed_seconds } = parsed.output
  const counts = (of: Record<string, number>) =>
    Object.entries(of)
      .map(([topic, count]) => `${count} to ${topic}`)
      .join(', ')
  if (!complete || iterations !== size) {
    throw new CheckFailure(
      `Kafka acknowledged ${counts(acknowledged) || 'nothing'}, should be ${size} to each topic; given up: ${counts(given_up) || 'none'}`,
      { advice: 'see whether the broker is up and can write: its journal says why' },
    )
  }
  return {
    detail: `${counts(acknowledged)} acknowledged in ${elapsed_seconds.toFixed(1)} s`,
    value: undefined,
  }
}

interface Output {
  exitCode: number
  stdout: string
  stderr: string
}

async function runOnce(connection: Connection, script: Script, timeoutSeconds: number): Promise<Output> {
  const [outcome] = await runBatch(connection, [script], {
    stopOnFailure: false,
    timeoutSeconds: () => timeoutSeconds,
  })
  if (outcome === undefined) throw new CheckFailure('the host ran nothing')
  return outcome
}

function unusable(subject: string, { exitCode, stdout, stderr }: Output): CheckFailure {
  const said = linesOf(`${stdout}\n${stderr}`, 8).join(' | ')
  return new CheckFailure(
    `${subject} ended with exit code ${exitCode} and no report: ${said || 'it said nothing'}`,
    {
      advice: 'sluice provision: it puts the producer, its Node and its environment on the host',
    },
  )
}
