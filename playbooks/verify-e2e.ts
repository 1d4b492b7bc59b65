import { randomBytes } from 'node:crypto'
import type { CheckContext } from '../engine/cli/registry.ts'
import type { Host, Inventory } from '../engine/inventory.ts'
import { painter } from '../engine/report/terminal.ts'
import { count } from '../engine/report/wording.ts'
import type { Connection } from '../engine/transport/connection.ts'
import { type BatchFindings, checkBatches } from './verify/batch.ts'
import { withCauses } from './verify/causes.ts'
import { CheckFailure, Checklist, type Outcome, type Suspect } from './verify/checklist.ts'
import { expectationsOf, type PipelineGroup, pipelineGroups } from './verify/expectations.ts'
import { checkFirewall } from './verify/firewall.ts'
import { checkHost, checkLinks, type Links, type Reached } from './verify/links.ts'
import { withDatabase } from './verify/mongodb.ts'
import { checkLine, conclusionLines } from './verify/report.ts'
import type { CheckResult, VerifyDocument, VerifyResult } from './verify/result.ts'

export interface VerifyOptions {
  inventory: Inventory
  /** Those that are looked at. */
  hosts: Host[]
  connect(host: Host): Promise<Connection>
  onResult(check: CheckResult): void
  signal: AbortSignal
  /** How many iterations each host with producers sends. */
  size?: number
  sleepSeconds?: number
  /** How long all documents may take to be there once Kafka has the messages. */
  deadlineMs?: number
}

/** The command `verify-e2e`: does what is sent arrive, once, and only where it may? */
export async function verifyPipeline(context: CheckContext): Promise<{ passed: boolean }> {
  const { inventory, hosts, print, progress, signal } = context
  const emit = (document: VerifyDocument) => context.emit(document)
  const paint = painter(process.stdout)
  const hostWidth = Math.max(...hosts.map(({ name }) => name.length), 'controller'.length)
  progress(`verify-e2e: ${count(hosts.length, 'host')} of ${inventory.name}`)
  const result = await verify({
    inventory,
    hosts,
    connect: context.connect,
    signal,
    onResult: (check) => {
      print(checkLine(check, hostWidth, paint))
      emit({ type: 'check-ended', check })
    },
  })
  for (const line of conclusionLines(result, paint)) print(line)
  emit({ type: 'verify-ended', result })
  return { passed: result.status === 'passed' }
}

/** Looks at every link, sends a batch through all of them, and tries the firewall. Nothing on the hosts is changed. */
export async function verify(options: VerifyOptions): Promise<VerifyResult> {
  const { inventory, hosts, connect, signal } = options
  const startedAt = performance.now()
  const expected = hosts.map((host) => expectationsOf(host, inventory))
  const checklist = new Checklist({ onResult: options.onResult, signal })
  const connections: Connection[] = []
  try {
    await checkGroups(checklist, inventory)
    for (const { name } of inventory.hosts.filter((host) => !hosts.includes(host))) {
      checklist.skip({ name: 'login', host: name }, 'left out by --limit')
    }
    const looked = hosts.map(async (host, index) => {
      const expectations = expected[index]
      if (expectations === undefined) return undefined
      return checkHost(checklist, host, expectations, async () => {
        const connection = await connect(host)
        connections.push(connection)
        return connection
      })
    })
    const reached = (await Promise.all(looked)).filter((each) => each !== undefined)
    const links = await checkLinks(checklist, reached)
    const { counts, latency } = await sendThrough(checklist, reached, links, options)
    const matrix = await checkFirewall(checklist, { hosts, reached, inventory })
    return {
      status: statusOf(checklist, signal),
      inventory: inventory.name,
      checks: withCauses(checklist.results, { matrix, hostsOf: (group) => namesOf(inventory, group) }),
      counts,
      ...(latency !== undefined && { latency }),
      matrix,
      durationMs: Math.round(performance.now() - startedAt),
    }
  } finally {
    for (const connection of connections) connection.close()
  }
}

function statusOf({ results }: Checklist, signal: AbortSignal): VerifyResult['status'] {
  if (results.some(({ status }) => status === 'failed')) return 'failed'
  return signal.aborted ? 'stopped' : 'passed'
}

const namesOf = ({ hosts }: Inventory, group: PipelineGroup): string[] =>
  hosts.filter(({ groups }) => groups.includes(group)).map(({ name }) => name)

function checkGroups(checklist: Checklist, inventory: Inventory): Promise<Outcome<undefined>> {
  return checklist.check({
    name: 'groups',
    run: () => {
      const sizes = pipelineGroups.map((group) => ({ group, members: namesOf(inventory, group) }))
      const empty = sizes.filter(({ members }) => members.length === 0).map(({ group }) => group)
      if (empty.length > 0) {
        throw new CheckFailure(
          `no host of ${inventory.name} is in ${empty.join(', ')}: that part of the pipeline is missing`,
          {
            advice: 'put a host into each group of the inventory, then sluice provision',
          },
        )
      }
      const detail = sizes.map(({ group, members }) => `${group} ${members.join(' ')}`).join(', ')
      return { detail, value: undefined }
    },
  })
}

const defaults = { size: 20, sleepSeconds: 0.05, deadlineMs: 30_000 }

async function sendThrough(
  checklist: Checklist,
  reached: readonly Reached[],
  { brokers, database, processors, producers }: Links,
  options: VerifyOptions,
): Promise<BatchFindings> {
  const nothing = { counts: [], latency: undefined }
  const missing = [brokers, database, processors].find(({ passed }) => !passed)
  if (missing?.passed === false || !database.passed) {
    checklist.skip({ name: 'batch' }, missing?.passed === false ? missing.reason : 'there is no database')
    return nothing
  }
  const run = randomBytes(6).toString('hex')
  const senders = reached
    .filter(({ host }) => host.groups.includes('producers'))
    .map(({ host, connection }) => ({
      connection,
      marker: `verify-${run}-${host.name}`,
      ready: producers.get(host.name) ?? { passed: false as const, reason: 'its producer was not looked at' },
    }))
  if (senders.length === 0) {
    checklist.skip({ name: 'batch' }, 'no host of the group producers was looked at')
    return nothing
  }
  const { reached: server, place } = database.value
  return withDatabase(server.connection, place, (opened) =>
    checkBatches(opened, {
      checklist,
      senders,
      suspects: {
        sending: unitsOf(reached, 'kafka', 'kafka.service'),
        storing: [
          ...unitsOf(reached, 'processor', 'processor.service'),
          ...unitsOf(reached, 'mongodb', 'mongod.service'),
        ],
      },
      size: options.size ?? defaults.size,
      sleepSeconds: options.sleepSeconds ?? defaults.sleepSeconds,
      deadlineMs: options.deadlineMs ?? defaults.deadlineMs,
      signal: options.signal,
    }),
  )
}

function unitsOf(reached: readonly Reached[], group: string, unit: string): Suspect[] {
  return reached
    .filter(({ host }) => host.groups.includes(group))
    .map(({ connection }) => ({ connection, unit }))
}
