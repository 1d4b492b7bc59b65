import { SluiceError, typable } from '../errors.ts'
import type { Host, Inventory } from '../inventory.ts'
import { limiter } from '../limiter.ts'
import type { InboundRule } from '../policy.ts'
import { hostErrors } from '../report/host-errors.ts'
import { painter } from '../report/terminal.ts'
import { type Change, resourceName } from '../resource.ts'
import { ufw } from '../resources/ufw.ts'
import { withIcmpOfAll } from '../resources/ufw-icmp.ts'
import { canonicalNetwork } from '../resources/ufw-network.ts'
import { ruleName } from '../resources/ufw-rules.ts'
import { survey } from '../survey.ts'
import type { Connection } from '../transport/connection.ts'
import { columns } from './columns.ts'
import { exitCodes } from './exit-codes.ts'
import type { CommandDocument } from './json-documents.ts'
import { defaultForks, type HostOptions } from './options.ts'
import type { FirewallEntry, FirewallReading } from './registry.ts'
import { connector, loadHosts, type Session } from './session.ts'

/** One way in which a host's firewall is not what the policy says. */
export interface Difference {
  /** `missing`: the policy has it and the host has not; `surplus`: the other way round. */
  kind: 'missing' | 'surplus' | 'setting'
  what: string
  /** Of a rule, who it is from and for, and where it is written; else what is wrong. */
  why: string
}

interface HostDifferences {
  host: string
  /** How many rules the policy has for it. */
  rules: number
  differences: Difference[]
  error?: SluiceError
}

/** `firewall diff`: where the hosts' firewalls are not what the policy says, in both directions; 2 when any is not. */
export async function firewallDiff(
  session: Session,
  firewall: FirewallEntry,
  options: HostOptions,
): Promise<number> {
  const { print, signal, stdout } = session
  const [reading, chosen] = await Promise.all([
    firewall.load(),
    // What security groups say now, not what they said a minute ago.
    loadHosts(session, { ...options, refresh: true }, { create: false }),
  ])
  const connect = await connector(session, options)
  const { inventory, hosts } = chosen
  const atOnce = limiter(defaultForks(hosts.length))
  const results = await Promise.all(
    hosts.map((host) => atOnce(() => differencesOf(host, inventory, reading, connect))),
  )
  if (signal.aborted) return exitCodes.interrupted
  const findings = reading.findingsOf(inventory)
  if (options.json) for (const document of documentsOf(results, findings)) print(JSON.stringify(document))
  else for (const line of linesOf(results, findings, painter(stdout))) print(line)
  return exitCodes[outcomeOf(results)]
}

async function differencesOf(
  host: Host,
  inventory: Inventory,
  reading: FirewallReading,
  connect: (host: Host) => Promise<Connection>,
): Promise<HostDifferences> {
  const rules = reading.rulesOf(inventory, host)
  try {
    const connection = await connect(host)
    try {
      return { host: host.name, rules: rules.length, differences: await compared(rules, connection) }
    } finally {
      connection.close()
    }
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error
    return { host: host.name, rules: rules.length, differences: [], error }
  }
}

async function compared(rules: readonly InboundRule[], connection: Connection): Promise<Difference[]> {
  const resource = ufw({ rules: rules.map(({ at: _, ...rule }) => rule) })
  const readings = await survey([resource], {
    connection,
    artifacts: { cacheDirectory: '' },
    progress: () => {},
    signal: undefined,
  })
  const found = readings.get(resource)
  if (found?.state === 'read') return differencesIn(resource.diff(found.have), rules)
  throw new SluiceError('PROBE_REFUSED', {
    subject: `the state of ${resourceName(resource)} could not be read`,
    at: connection.host.name,
    why: found?.why ?? 'it was not asked for',
    advice: 'see whether the login user may become root there',
  })
}

/** What the resource would change, as differences from the policy. */
export function differencesIn(changes: readonly Change[], rules: readonly InboundRule[]): Difference[] {
  const written = new Map(
    withIcmpOfAll(rules).map((rule) => [ruleName({ ...rule, from: canonicalNetwork(rule.from) }), rule]),
  )
  return changes.map(({ property, have, want }): Difference => {
    const name = property.replace(/^rule /, '')
    if (name === property) {
      return {
        kind: 'setting',
        what: property,
        why: `is ${have ?? 'not there'}, should be ${want ?? 'gone'}`,
      }
    }
    if (want === undefined) {
      const where = have === 'present' ? '' : `; it is ${have}`
      return { kind: 'surplus', what: name, why: `no rule of the policy says so${where}` }
    }
    const rule = written.get(name)
    const place = rule?.at === undefined ? '' : `, ${rule.at}`
    return {
      kind: 'missing',
      what: name,
      why: `${rule?.comment ?? ''}${place}${have === undefined ? '' : `; it is ${have}`}`,
    }
  })
}

function outcomeOf(results: readonly HostDifferences[]): 'failed' | 'differs' | 'converged' {
  if (results.some(({ error }) => error !== undefined)) return 'failed'
  return results.some(({ differences }) => differences.length > 0) ? 'differs' : 'converged'
}

function countsOf(results: readonly HostDifferences[]) {
  const all = results.flatMap(({ differences }) => differences)
  const of = (kind: Difference['kind']) => all.filter((each) => each.kind === kind).length
  return { missing: of('missing'), surplus: of('surplus'), settings: of('setting') }
}

function documentsOf(results: readonly HostDifferences[], findings: readonly string[]): CommandDocument[] {
  return [
    ...results.map(({ error, ...result }) => ({
      type: 'firewall-host' as const,
      ...result,
      ...(error && {
        error: {
          code: error.code,
          subject: error.subject,
          at: error.at,
          why: error.why,
          advice: error.advice,
        },
      }),
    })),
    ...findings.map((finding) => ({ type: 'firewall-finding' as const, finding })),
    { type: 'firewall-ended', status: outcomeOf(results), hosts: results.length, ...countsOf(results) },
  ]
}

function linesOf(
  results: readonly HostDifferences[],
  findings: readonly string[],
  paint: ReturnType<typeof painter>,
): string[] {
  const width = Math.max(...results.map(({ host }) => host.length))
  const lines = results.flatMap(({ host, rules, differences, error }) => {
    const head = host.padEnd(width)
    if (error !== undefined) return `${head}  ${paint('red', 'not compared')}`
    if (differences.length === 0) return `${head}  ${paint('green', 'as the policy says')}, ${rules} rules`
    const rows = differences.map(({ kind, what, why }) => ['  ', kind, what, why])
    return [`${head}  ${paint('yellow', 'differs')}`, ...columns(rows).map((row) => row.replace(/^ +/, '  '))]
  })
  const { missing, surplus, settings } = countsOf(results)
  const differing = results.filter(({ differences }) => differences.length > 0).length
  const conclusion =
    differing === 0
      ? []
      : [
          '',
          typable(
            `${differing} of ${results.length} hosts differ (rules missing: ${missing}, surplus: ${surplus}; settings: ${settings}); sluice harden --tags firewall sets it right`,
          ),
        ]
  const wider = findings.map((finding) => `  ${finding}`)
  const errors = hostErrors(results).flatMap((text) => ['', ...text.split('\n')])
  return [
    ...lines,
    ...errors.map((line) => paint('red', line)),
    ...(wider.length > 0 ? ['', 'wider than the pipeline needs', ...wider] : []),
    ...conclusion,
  ]
}
