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
    ...shown.map((host) => hostLine(host, width, options)),
    ...restLine(hosts, shown, options),
  ]
}

/** Which hosts are worth a row when there are too few: failed, at work, waiting, ended, not begun. */
function mostTelling(hosts: readonly HostProgress[], room: number): HostProgress[] {
  const rank = ({ state, result }: HostProgress) => {
    if (result?.status === 'failed') return 0
    return { working: 1, connecting: 2, waiting: 3, ended: 5, 'not begun': 4 }[state]
  }
  const chosen = new Set(hosts.toSorted((a, b) => rank(a) - rank(b)).slice(0, room))
  return hosts.filter((host) => chosen.has(host))
}

function header(progress: RunProgress, hosts: readonly HostProgress[], options: FrameOptions): string {
  const { columns, now, stopping, paint } = options
  const number = (matches: (host: HostProgress) => boolean) => hosts.filter(matches).length
  const failed = number(({ result }) => result?.status === 'failed')
  const ended = number(({ state }) => state === 'ended')
  const name = progress.mode === 'apply' ? progress.playbook : `${progress.playbook} (${progress.mode})`
  const counts = `${ended} of ${count(hosts.length, 'host')} ended${failed > 0 ? `, ${failed} failed` : ''}`
  const line = `${name}  ${counts}  ${duration(now - progress.beganAt)}`
  const hint = stopping
    ? '  stopping: each host finishes the step in hand; Ctrl-C again ends at once'
    : '  Ctrl-C stops after the step in hand'
  const room = Math.max(0, columns - line.length - 1)
  return `${paint('bold', cut(line, columns - 1))}${paint(stopping ? 'yellow' : 'dim', cut(hint, room))}`
}

function hostLine(host: HostProgress, width: number, options: FrameOptions): string {
  const { columns, now, paint } = options
  const { mark, style } = markOf(host, options)
  const time = duration(host.result?.durationMs ?? now - host.beganAt)
  const steps = host.pending > 0 ? `${host.done}/${host.pending}` : ''
  const lead = ` ${host.name.padEnd(width)}  ${(host.state === 'not begun' ? '' : time).padStart(11)}  ${steps.padStart(7)}  `
  const text = cut(printable(activity(host)).replaceAll('\n', ' '), Math.max(0, columns - lead.length - 2))
  const dimmed = host.state === 'working' || host.result?.status === 'failed' ? text : paint('dim', text)
  return `${paint(style, mark)}${lead}${dimmed}`
}

function markOf({ state, result }: HostProgress, { spinner }: FrameOptions) {
  if (result !== undefined) {
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

function activity({ state, role, at, message, result }: HostProgress): string {
  if (result?.status === 'failed') return result.error?.message ?? 'failed'
  if (result?.status === 'skipped') return result.reason ?? 'skipped'
  if (result !== undefined) {
    return result.changed.length === 0 ? 'as declared' : count(result.changed.length, 'change')
  }
  if (state === 'not begun') return 'not begun'
  if (state === 'working' && at === '') return 'comparing'
  return [role.padEnd(role === '' ? 0 : 12), at, message].filter((part) => part !== '').join('  ')
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
    ...named('failed', ({ result }) => result?.status === 'failed'),
    ...named('ended', ({ state, result }) => state === 'ended' && result?.status !== 'failed'),
    ...named('at work', ({ state }) => state === 'working' || state === 'connecting'),
    ...named('waiting', ({ state }) => state === 'waiting'),
    ...named('not begun', ({ state }) => state === 'not begun'),
  ]
  return [paint('dim', cut(`  and ${count(rest.length, 'host')} more: ${counts.join(', ')}`, columns - 1))]
}
