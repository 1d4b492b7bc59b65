import { type HostResult, isCheck, isRemoval, type RunResult, stoppedReason } from '../events.ts'
import type { Paint } from './terminal.ts'
import { changeText, count, doneWord, dueWord, duration } from './wording.ts'

/** What came of a run: a line a host, with what was left undone. */
export function recapLines(
  result: RunResult,
  { verbose, paint }: { verbose: boolean; paint: Paint },
): string[] {
  const width = Math.max(4, ...result.hosts.map(({ host }) => host.length))
  return result.hosts.flatMap((host) => [
    hostLine(host, result, width, paint),
    ...(host.noticed ?? []).map((message) => `${' '.repeat(width + 4)}${paint('yellow', message)}`),
    ...unfinishedLines(host, result, verbose).map((line) => `${' '.repeat(width + 4)}${paint('dim', line)}`),
  ])
}

function hostLine(host: HostResult, { mode }: RunResult, width: number, paint: Paint): string {
  const { mark, style } = marks[wasStopped(host) ? 'stopped' : host.status]
  const failed = host.status === 'failed' && !wasStopped(host) ? 1 : 0
  const numbers = [
    numbered(host.ok, 'ok', undefined, paint),
    numbered(host.changed.length, isCheck(mode) ? dueWord(mode) : doneWord(mode), 'yellow', paint),
    numbered(failed, 'failed', 'red', paint),
    numbered(notCome(host).length, 'skipped', 'magenta', paint),
  ]
  const name = host.host.padEnd(width)
  return `${paint(style, mark)} ${paint('bold', name)}  ${numbers.join('  ')}  ${duration(host.durationMs).padStart(11)}`
}

const marks = {
  ok: { mark: '✔', style: 'green' },
  changed: { mark: '✔', style: 'yellow' },
  failed: { mark: '✖', style: 'red' },
  skipped: { mark: '–', style: 'magenta' },
  stopped: { mark: '■', style: 'magenta' },
} as const

function numbered(
  number: number,
  word: string,
  style: 'yellow' | 'red' | 'magenta' | undefined,
  paint: Paint,
): string {
  const text = `${word} ${String(number).padEnd(3)}`
  if (number === 0) return paint('dim', text)
  return style === undefined ? text : paint(style, text)
}

/** Whether a host did not get to its end because the run was stopped, not because something failed. */
export function wasStopped({ error, reason }: Pick<HostResult, 'error' | 'reason'>): boolean {
  return error?.code === 'INTERRUPTED' || reason === stoppedReason
}

function stoppedAt({ host, error }: HostResult): string {
  const place = (error?.at ?? '').replace(host, '').replace(/^ > /, '')
  return place === '' ? 'stopped between two resources' : `stopped at ${place}`
}

/** Resources that the run did not come to. The one that failed is not among them. */
function notCome({ notTried, error }: HostResult): string[] {
  return notTried.filter((name) => error?.at?.endsWith(name) !== true)
}

/** Changes that began and did not end. A wait is none, wherever it ended. */
function begunChanges({ begun = [] }: HostResult): string[] {
  return begun.filter((name) => !name.startsWith('ready '))
}

/** For a host that did not get to its end: why, what was applied, and what was not tried. */
function unfinishedLines(host: HostResult, { mode, noun = 'host' }: RunResult, verbose: boolean): string[] {
  if (host.status !== 'failed' && host.status !== 'skipped') return []
  const rest = notCome(host)
  const done = doneWord(mode)
  const begun = begunChanges(host)
  const applied = host.changed.map(
    ({ resource, changes }) => `${resource} (${changes.map(changeText).join(', ')})`,
  )
  return [
    ...(host.reason === undefined ? [] : [host.reason]),
    ...(host.error?.code === 'INTERRUPTED' ? [stoppedAt(host)] : []),
    ...begun.map(
      (name) => `begun and not finished: ${name}; some of it may be done, and the next run goes on`,
    ),
    (applied.length === 0 && begun.length === 0) || isCheck(mode)
      ? `nothing was changed ${preposition(noun)} this ${noun}`
      : `${done} before it stopped: ${count(applied.length, 'resource')}; not tried: ${rest.length}`,
    ...(verbose
      ? [...applied.map((name) => `  ${done}  ${name}`), ...rest.map((name) => `  not tried  ${name}`)]
      : []),
  ]
}

/** What came of a run, in words. */
export function summaryLine(result: RunResult, paint: Paint): string {
  const { hosts, mode, noun = 'host', durationMs, interrupted } = result
  const bad = hosts.filter(({ status }) => status === 'failed' || status === 'skipped')
  const changes = hosts.reduce((sum, { changed }) => sum + changed.length, 0)
  const resources = hosts.reduce((sum, { ok }) => sum + ok, 0)
  const changedHosts = hosts.filter(({ changed }) => changed.length > 0)
  const where = `${preposition(noun)} ${count(changedHosts.length, noun)}`
  const anywhere = `${preposition(noun)} any ${noun}`
  const took = paint('dim', `(${duration(durationMs)})`)
  const begun = hosts.some((host) => begunChanges(host).length > 0)
  const done =
    changes > 0
      ? `${count(changes, 'resource')} ${doneWord(mode)} ${where}`
      : begun
        ? 'no change was finished'
        : 'nothing was changed'
  if (interrupted) {
    return `${paint('red', 'Stopped')}: ${done}. Run again: it goes on from the state that the ${noun}s are in. ${took}`
  }
  if (bad.length > 0) {
    const names = bad.map(({ host }) => host).join(', ')
    return `${paint('red', `${bad.length} of ${count(hosts.length, noun)} did not get to the end`)}: ${names}; ${isCheck(mode) ? 'nothing was changed' : done}. ${took}`
  }
  if (mode === 'check-removal' && changes > 0)
    return `${count(changes, 'resource')} ${where} would be removed; nothing was changed. ${took}`
  if (mode === 'check') {
    const waiting = hosts.filter(({ status }) => status === 'changed').length
    if (changes === 0 && waiting > 0) {
      return `Nothing would change, but services ${preposition(noun)} ${count(waiting, noun)} are not ready. ${took}`
    }
    return changes === 0
      ? `${paint('green', `Nothing to change ${anywhere}`)}: all ${count(resources, 'resource')} are as declared. ${took}`
      : `${count(changes, 'resource')} ${where} would change; nothing was changed. ${took}`
  }
  if (changes === 0) {
    return isRemoval(mode)
      ? `${paint('green', `Nothing to remove ${anywhere}`)}. ${took}`
      : `${paint('green', `Nothing changed ${anywhere}`)}: all ${count(resources, 'resource')} are as declared. ${took}`
  }
  return `${paint('green', 'Done')}: ${done}. ${took}`
}

/** A service is on a host, and in anything else. */
function preposition(noun: string): 'on' | 'in' {
  return noun === 'host' ? 'on' : 'in'
}
