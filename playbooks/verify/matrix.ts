import { connect, isIP, isIPv4 } from 'node:net'
import { runBatch } from '../../engine/batch.ts'
import type { Host, Policy } from '../../engine/inventory.ts'
import { lines, type Script, sh } from '../../engine/shell.ts'
import type { Connection } from '../../engine/transport/connection.ts'
import { CheckFailure } from './checklist.ts'
import { PolicyReading, portsOf } from './policy.ts'
import { type Attempt, verdicts } from './result.ts'

/** A connection to be tried. */
export type Planned = Omit<Attempt, 'got'>

type Verdict = Attempt['got']

/** What is tried at once from one host. */
const atOnce = 100

/** How many seconds a connection may take to come about: at first, and where it is a surprise that it did not. */
export interface Patience {
  first: number
  second: number
}

const usualPatience: Patience = { first: 2, second: 5 }

/** What the controller is called as a source. */
export const controllerName = 'controller'

/** All connections to try from a host: every other host, every address, every port of the policy. */
export function plannedFrom(
  from: Host,
  targets: readonly Host[],
  hosts: readonly Host[],
  policy: Policy,
): Planned[] {
  const reading = new PolicyReading(policy, hosts)
  return targets
    .filter(({ name }) => name !== from.name)
    .flatMap((to) =>
      to.privateAddresses
        .filter((address) => from.privateAddresses.some((own) => isIPv4(own) === isIPv4(address)))
        .flatMap((address) =>
          portsOf(policy).map((port) => ({
            from: from.name,
            to: to.name,
            address,
            port,
            allowed: reading.allows(from.privateAddresses, to, address, port),
          })),
        ),
    )
}

/**
 * All connections to try from the controller: to where SSH answers, unless that is behind another host.
 *
 * @param seenAs the controller's address as each host sees it, by host
 */
export function plannedFromController(
  targets: readonly Host[],
  hosts: readonly Host[],
  policy: Policy,
  seenAs: ReadonlyMap<string, string>,
): Planned[] {
  const reading = new PolicyReading(policy, hosts)
  return targets.flatMap((to) => {
    const client = seenAs.get(to.name)
    if (client === undefined || !isDirect(to)) return []
    return (
      portsOf(policy)
        // Behind another port than 22 there is a translation of addresses: 22 there is not this host's.
        .filter((port) => port !== 22 || to.port === 22)
        .map((port) => ({
          from: controllerName,
          to: to.name,
          address: to.address,
          port,
          allowed: reading.allows([client], to, client, port),
        }))
    )
  })
}

/** Whether the controller has a way of its own to where SSH answers: where a name leads may be known to ssh alone. */
function isDirect({ address, jump, transport }: Host): boolean {
  return jump === undefined && (transport !== 'openssh' || isIP(address) !== 0)
}

/** Tries connections from a host, all in one round trip, and those that surprise a second time, with more patience. */
export async function tryFrom(
  connection: Connection,
  planned: readonly Planned[],
  patience = usualPatience,
): Promise<Attempt[]> {
  return confirmed(planned, patience, (some, seconds) => tryOnce(connection, some, seconds))
}

/** Tries connections from the controller. */
export async function tryFromController(
  planned: readonly Planned[],
  patience = usualPatience,
): Promise<Attempt[]> {
  return confirmed(planned, patience, (some, seconds) =>
    Promise.all(some.map(({ address, port }) => tryConnection(address, port, seconds * 1000))),
  )
}

type Try = (planned: readonly Planned[], seconds: number) => Promise<Verdict[]>

async function confirmed(planned: readonly Planned[], patience: Patience, tryAll: Try): Promise<Attempt[]> {
  const first = await tryAll(planned, patience.first)
  const attempts = planned.map((each, index): Attempt => ({ ...each, got: first[index] ?? 'timeout' }))
  const doubtful = attempts.filter((attempt) => !asAllowed(attempt))
  if (doubtful.length === 0) return attempts
  const second = await tryAll(doubtful, patience.second)
  doubtful.forEach((attempt, index) => {
    attempt.got = second[index] ?? attempt.got
  })
  return attempts
}

/** Whether a connection got past the firewall. */
export const gotThrough = ({ got }: Pick<Attempt, 'got'>): boolean => got === 'open' || got === 'refused'

/** Whether what happened is what the policy says. */
export const asAllowed = (attempt: Attempt): boolean => gotThrough(attempt) === attempt.allowed

async function tryOnce(
  connection: Connection,
  planned: readonly Planned[],
  seconds: number,
): Promise<Verdict[]> {
  if (planned.length === 0) return []
  const [outcome] = await runBatch(connection, [attemptScript(planned, seconds)], {
    stopOnFailure: false,
    timeoutSeconds: () => Math.ceil(planned.length / atOnce) * (seconds + 5) + 20,
  })
  return parseVerdicts(outcome?.stdout ?? '', planned.length)
}

/**
 * A connection each by bash's /dev/tcp, which every Debian and Ubuntu has. The words that tell refused from unreachable
 * are those of the C library in the locale C.
 */
function attemptScript(planned: readonly Pick<Planned, 'address' | 'port'>[], seconds: number): Script {
  const attempts = planned.flatMap(({ address, port }, index) => [
    sh`attempt ${index} ${address} ${port} &`,
    ...((index + 1) % atOnce === 0 ? [sh`wait`] : []),
  ])
  return lines([
    sh`attempt() {
  said=$(timeout ${seconds} bash -c 'exec 3<>"/dev/tcp/$1/$2"' bash "$2" "$3" 2>&1) && code=0 || code=$?
  case "$code $said" in
    0*) got=open ;;
    124*) got=timeout ;;
    *refused*) got=refused ;;
    *'timed out'*) got=timeout ;;
    *) got=unreachable ;;
  esac
  echo "$1 $got"
}`,
    ...attempts,
    sh`wait`,
  ])
}

/** @throws CheckFailure when the host did not answer for every attempt */
export function parseVerdicts(stdout: string, count: number): Verdict[] {
  const found = new Map(
    stdout
      .trim()
      .split('\n')
      .map((line): [string, string] => {
        const [index = '', verdict = ''] = line.split(' ')
        return [index, verdict]
      }),
  )
  return Array.from({ length: count }, (_, index) => {
    const verdict = verdicts.find((each) => each === found.get(String(index)))
    if (verdict === undefined) {
      throw new CheckFailure(
        `the host says of ${found.size} attempts what came of them, should be ${count}`,
        {
          advice: 'see whether bash and timeout (coreutils) are on the host, and whether it has memory left',
        },
      )
    }
    return verdict
  })
}

function tryConnection(address: string, port: number, timeoutMs: number): Promise<Verdict> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, timeout: timeoutMs })
    const end = (verdict: Verdict) => {
      socket.destroy()
      resolve(verdict)
    }
    socket.on('connect', () => end('open'))
    socket.on('timeout', () => end('timeout'))
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED') end('refused')
      else end(error.code === 'ETIMEDOUT' ? 'timeout' : 'unreachable')
    })
  })
}
