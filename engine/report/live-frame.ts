import { isCheck } from '../events.ts'
import { wasStopped } from './recap.ts'
import type { HostProgress, RunProgress } from './run-progress.ts'
import { cut, type Paint, printable } from './terminal.ts'
import { count, duration } from './wording.ts'

export interface FrameOptions {
  rows: number
  columns: number
  /** On the clock of the progress. */
  now: number
  spinner: string
  /** Whether Ctrl-C was pressed. */
  stopping: boolean
  paint: Paint
}

/**
 * A run as the lines of a screen. All hosts where there is room; else those that failed and those at work,
 * and the others as counts.
 */
export function frame(progress: RunProgress, options: FrameOptions): string[] {
  const hosts = [...progress.hosts.values()]
  if (hosts.length === 0) return []
  const width = Math.max(4, ...hosts.map(({ name }) => name.length))
  // One row each for the header, the counts at the end and the cursor.
  const room = Math.max(1, options.rows - 4)
  const shown = hosts.length <= room ? hosts : mostTelling(hosts, room)
  return [
    header(progress, hosts, options),
    ...shown.map((host) => hostLine(host, width, options, progress.plays.size > 1)),
    ...restLine(hosts, shown, options),
  ]
}

/** Which hosts are worth a row when there are too few: those at work first, but the failed have a third of the rows. */
function mostTelling(hosts: readonly HostProgress[], room: number): HostProgress[] {
  const rank = (host: HostProgress) =>
    isFailed(host) ? 3 : { working: 0, connecting: 1, waiting: 2, 'not begun': 4, ended: 5 }[host.state]
  const failed = hosts.filter(isFailed).slice(-Math.ceil(room / 3))
  const others = hosts
    .filter((host) => !failed.includes(host))
    .toSorted((one, other) => rank(one) - rank(other))
    .slice(0, room - failed.length)
  return hosts.filter((host) => failed.includes(host) || others.includes(host))
}

function isFailed({ result }: HostProgress): boolean {
  return result?.status === 'failed' && !wasStopped(result)
}

function header(progress: RunProgress, hosts: readonly HostProgress[], options: FrameOptions): string {
  const { columns, now, stopping, paint } = options
  const number = (matches: (host: HostProgress) => boolean) => hosts.filter(matches).length
  const failed = number(isFailed)
  const ended = number(({ state }) => state === 'ended')
  const { mode, noun, playbook } = progress
  const name = mode === 'apply' ? playbook : `${playbook} (${isCheck(mode) ? 'check' : mode})`
  const counts = `${ended} of ${count(hosts.length, noun)} ended${failed > 0 ? `, ${failed} failed` : ''}`
  const line = `${name}  ${counts}  ${duration(now - progress.beganAt)}`
  const hint = stopping
    ? '  Stopping after the steps in hand; Ctrl-C again ends at once'
    : '  Ctrl-C stops after the step in hand'
  const room = Math.max(0, columns - line.length - 1)
  return `${paint('bold', cut(line, columns - 1))}${paint(stopping ? 'yellow' : 'dim', cut(hint, room))}`
}

function hostLine(host: HostProgress, width: number, options: FrameOptions, severalPlays: boolean): string {
  const { columns, now, paint } = options
  const { mark, style } = markOf(host, options)
  const time = duration(host.result?.durationMs ?? now - host.beganAt)
  const steps = host.pending > 0 ? `${host.done}/${host.pending}` : ''
  const lead = ` ${host.name.padEnd(width)}  ${(host.state === 'not begun' ? '' : time).padStart(11)}  ${steps.padStart(7)}  `
  const room = Math.max(0, columns - lead.length - 2)
  const text = cut(printable(activity(host, room, severalPlays)).replaceAll('\n', ' '), room)
  const dimmed = host.state === 'working' || host.result?.status === 'failed' ? text : paint('dim', text)
  return `${paint(style, mark)}${lead}${dimmed}`
}

function markOf({ state, result }: HostProgress, { spinner }: FrameOptions) {
  if (result !== undefined) {
    if (wasStopped(result)) return { mark: '■', style: 'magenta' } as const
    return {
      ok: { mark: '✔', style: 'green' },
      changed: { mark: '✔', style: 'yellow' },
      failed: { mark: '✖', style: 'red' },
      skipped: { mark: '–', style: 'magenta' },
    }[result.status] as { mark: string; style: 'green' | 'yellow' | 'red' | 'magenta' }
  }
  if (state === 'not begun' || state === 'waiting') return { mark: '·', style: 'dim' } as const
  return { mark: spinner, style: 'cyan' } as const
}

function activity(host: HostProgress, room: number, severalPlays: boolean): string {
  const { state, play, role, at, message, result } = host
  if (result !== undefined && wasStopped(result)) return 'stopped'
  if (result?.status === 'failed') return result.error?.message ?? 'failed'
  if (result?.status === 'skipped') return result.reason ?? 'skipped'
  if (result !== undefined) {
    return result.changed.length === 0 ? 'as declared' : count(result.changed.length, 'change')
  }
  if (state === 'not begun') return 'not begun'
  if (state === 'working' && at === '') return 'comparing'
  const rest = at.length + (message === '' ? 0 : message.length + 2)
  const whole = `${play}/${role}`.padEnd(12)
  // Where a play is called as its role, or the name would take room from what is being done, the role says enough.
  const named = severalPlays && role !== play && whole.length + 2 + rest <= room ? whole : role.padEnd(12)
  const lead = role === '' ? '' : `${named}  `
  if (message === '') return `${lead}${at}`
  // How far it is says more than the end of a long name.
  return `${lead}${cut(at, Math.max(12, room - lead.length - message.length - 2))}  ${message}`
}

function restLine(
  hosts: readonly HostProgress[],
  shown: readonly HostProgress[],
  { paint, columns }: FrameOptions,
): string[] {
  const rest = hosts.filter((host) => !shown.includes(host))
  if (rest.length === 0) return []
  const named = (label: string, matches: (host: HostProgress) => boolean) => {
    const number = rest.filter(matches).length
    return number === 0 ? [] : [`${number} ${label}`]
  }
  const counts = [
    ...named('failed', isFailed),
    ...named('ended', (host) => host.state === 'ended' && !isFailed(host)),
    ...named('at work', ({ state }) => state === 'working' || state === 'connecting'),
    ...named('waiting', ({ state }) => state === 'waiting'),
    ...named('not begun', ({ state }) => state === 'not begun'),
  ]
  return [paint('dim', cut(`  and ${count(rest.length, 'more host')}: ${counts.join(', ')}`, columns - 1))]
}
