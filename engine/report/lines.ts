import { type Emit, type HostResult, isCheck, type Place, type RunEvent } from '../events.ts'
import type { Paint } from './terminal.ts'
import { printable } from './terminal.ts'
import { changeText, clock, count, doneWord, dueWord, duration } from './wording.ts'

export interface LinesOptions {
  write(line: string): void
  paint: Paint
  verbose: boolean
  now?: () => Date
}

/** How often a resource's progress is worth a line, unless every line is asked for. */
const progressEveryMs = 5000

/** A line for everything that happens, for logs and for those who want to see it all. */
export function lineReport({ write, paint, verbose, now = () => new Date() }: LinesOptions): Emit {
  let width = 4
  let done = 'changed'
  let ended = 'changed'
  const lastProgress = new Map<string, number>()
  const say = (host: string, role: string, text: string) =>
    write(
      `${paint('dim', clock(now()))} ${paint('bold', host.padEnd(width))}  ${role.padEnd(12)}  ${printable(text)}`,
    )
  const at = ({ host, role, resource }: Place, text: string) => say(host, role, `${resource} ${text}`)

  return (event: RunEvent) => {
    switch (event.type) {
      case 'run-started':
        width = Math.max(4, ...event.hosts.map((name) => name.length))
        done = doneWord(event.mode)
        ended = isCheck(event.mode) ? dueWord(event.mode) : done
        write(`${paint('dim', clock(now()))} ${event.playbook}: ${count(event.hosts.length, event.noun)}`)
        break
      case 'host-connecting':
        say(event.host, '', `connects to ${event.address}`)
        break
      case 'host-noticed':
        say(event.host, '', event.message)
        break
      case 'host-surveyed':
        say(
          event.host,
          '',
          `${count(event.resources, 'resource')} read, ${event.pending} differ  ${duration(event.durationMs)}`,
        )
        break
      case 'host-waiting':
        say(event.host, event.play, `waits for ${event.needs.join(', ')}`)
        break
      case 'resource-started':
        if (verbose) at(event.place, '…')
        break
      case 'resource-progress': {
        const time = now().getTime()
        const { host } = event.place
        if (!verbose && time - (lastProgress.get(host) ?? 0) < progressEveryMs) break
        lastProgress.set(host, time)
        at(event.place, event.message)
        break
      }
      case 'resource-changed': {
        const { planned, durationMs } = event
        const changes = planned.changes.map(changeText).join(', ')
        at(planned, `${done}${changes === '' ? '' : ` (${changes})`}  ${duration(durationMs)}`)
        break
      }
      case 'host-ended':
        say(event.result.host, '', `${ending(event.result, ended)}  ${duration(event.result.durationMs)}`)
        break
      case 'resource-planned':
      case 'resource-waited':
      case 'phase-ended':
      case 'run-ended':
        break
    }
  }
}

function ending({ status, error, reason, changed }: HostResult, word: string): string {
  if (status === 'failed') return `failed: ${error?.message ?? ''}`
  if (status === 'skipped') return `skipped: ${reason ?? ''}`
  if (changed.length > 0) return `ended: ${changed.length} ${word}`
  return word === 'removed' || word === 'to remove'
    ? 'ended: nothing to remove'
    : 'ended: everything as declared'
}
