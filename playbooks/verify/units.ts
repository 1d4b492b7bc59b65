import { runBatch } from '../../engine/batch.ts'
import { sh } from '../../engine/shell.ts'
import type { Connection } from '../../engine/transport/connection.ts'
import { type Answer, CheckFailure } from './checklist.ts'
import { evidenceFrom, journalOf, linesOf } from './evidence.ts'

/** What a host says of itself. */
export interface HostState {
  units: UnitState[]
  /** Units of any kind that systemd gave up. */
  failed: string[]
  firewallActive: boolean
  /** The controller's address as the host sees it. */
  clientAddress: string
}

export interface UnitState {
  unit: string
  active: string
  enabled: string
  restarts: number
}

/** Reads the state of these units and of the host, in one round trip. */
export async function readHostState(connection: Connection, units: readonly string[]): Promise<HostState> {
  const scripts = [
    sh`systemctl show --property Id,ActiveState,SubState,UnitFileState,NRestarts -- ${units}`,
    sh`systemctl list-units --failed --plain --no-legend --full --no-pager`,
    sh`command -v ufw >/dev/null && ufw status`,
    sh`echo "$SLUICE_CLIENT"`,
  ]
  const [shown, failed, firewall, client] = await runBatch(connection, scripts, {
    stopOnFailure: false,
    timeoutSeconds: () => 20,
  })
  return {
    units: parseUnits(shown?.stdout ?? ''),
    failed: linesOf(failed?.stdout ?? '').map((line) => line.trim().split(/\s+/)[0] ?? ''),
    firewallActive: /^Status: active$/m.test(firewall?.stdout ?? ''),
    clientAddress: client?.stdout.trim() ?? '',
  }
}

/** Reads what `systemctl show` prints: a block of `Property=value` for each unit, an empty line between. */
export function parseUnits(text: string): UnitState[] {
  return text
    .trim()
    .split(/\n\s*\n/)
    .map((block) => new Map(block.split('\n').map((line) => splitOnce(line.trim(), '='))))
    .filter((properties) => properties.has('Id'))
    .map((properties) => ({
      unit: properties.get('Id') ?? '',
      active: `${properties.get('ActiveState')} (${properties.get('SubState')})`,
      enabled: properties.get('UnitFileState') ?? '',
      restarts: Number(properties.get('NRestarts') ?? 0) || 0,
    }))
}

function splitOnce(line: string, separator: string): [string, string] {
  const at = line.indexOf(separator)
  return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 1)]
}

const isActive = ({ active }: UnitState): boolean => active.startsWith('active ')

const provisionAdvice = 'sluice provision installs, enables and starts what should run there'

/** Judges the state of one unit. */
export async function judgeUnit(
  connection: Connection,
  unit: string,
  { units }: HostState,
): Promise<Answer<undefined>> {
  const state = units.find((candidate) => candidate.unit === unit)
  if (state === undefined || state.enabled === '') {
    throw new CheckFailure('there is no such unit', {
      advice: provisionAdvice,
    })
  }
  const restarts = state.restarts === 0 ? '' : `, ${state.restarts} restarts since it was started`
  if (!isActive(state)) {
    throw new CheckFailure(`is ${state.active}, should be active${restarts}`, {
      // Nobody stopped what failed: it would fail again.
      advice: state.active.startsWith('inactive ')
        ? provisionAdvice
        : 'mend what its journal says, then sluice provision starts it again',
      look: [await journalOf(connection, unit)],
    })
  }
  if (state.enabled !== 'enabled') {
    throw new CheckFailure(`is active but ${state.enabled}: after a reboot it would not come back`, {
      advice: provisionAdvice,
    })
  }
  return { detail: `${state.active}, enabled${restarts}`, value: undefined }
}

/**
 * Judges what every host should be like, whatever it is for.
 *
 * @param judged units that are judged for themselves, and not here once more
 */
export async function judgeHost(
  connection: Connection,
  { failed: givenUp, firewallActive, units }: HostState,
  judged: readonly string[],
): Promise<Answer<undefined>> {
  const failed = givenUp.filter((unit) => !judged.includes(unit))
  const problems: string[] = []
  const sshd = units.find(({ unit }) => unit === 'ssh.service')
  if (sshd === undefined || !isActive(sshd)) problems.push('ssh.service is not active')
  if (!firewallActive) problems.push('ufw is not active: the firewall lets everything in')
  if (failed.length > 0) problems.push(`systemd gave up ${failed.join(', ')}`)
  if (problems.length === 0) {
    const other = givenUp.length > 0 ? 'other ' : ''
    return { detail: `sshd and ufw active, no ${other}failed unit`, value: undefined }
  }
  const journals = failed.slice(0, 3).map((unit) => journalOf(connection, unit))
  throw new CheckFailure(problems.join('; '), {
    advice:
      failed.length > 0 && firewallActive
        ? 'mend what the journal says; systemctl reset-failed there forgets a unit that nobody needs'
        : 'sluice harden sets sshd and the firewall right',
    look: await Promise.all([
      ...(firewallActive ? [] : [evidenceFrom(connection, sh`ufw status verbose`)]),
      ...journals,
    ]),
  })
}
