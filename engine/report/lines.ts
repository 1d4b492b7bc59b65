import {
  type Emit,
  type HostResult,
  isCheck,
  isRemoval,
  type Mode,
  type Place,
  type RunEvent,
} from '../events.ts'
import { LongSteps } from './long-steps.ts'
import type { Paint } from './terminal.ts'
import { printable } from './terminal.ts'
import { changeMark, changeText, clock, count, doneWord, dueWord, duration } from './wording.ts'

export interface LinesOptions {
  write(line: string): void
  paint: Paint
  verbose: boolean
  now?: () => Date
}

/** How often a resource's progress is worth a line, unless every line is asked for. */
const progressEveryMs = 5000

/** How often long steps are looked for. */
const lookEveryMs = 5000

/** A line for everything that happens, for logs and for those who want to see it all. */
export function lineReport({ write, paint, verbose, now = () => new Date() }: LinesOptions): Emit {
  let width = 4
  let mode: Mode = 'apply'
  const lastProgress = new Map<string, number>()
  const say = (host: string, role: string, text: string) =>
    write(
      `${paint('dim', clock(now()))} ${paint('bold', host.padEnd(width))}  ${role.padEnd(12)}  ${printable(text)}`,
    )
  const at = ({ host, role, resource }: Place, text: string) => say(host, role, `${resource} ${text}`)
  const steps = new LongSteps()
  const begin = (host: string, role: string, what: string) =>
    steps.begin(host, { role, what, time: now().getTime() })
  let looking: NodeJS.Timeout | undefined
  const look = () => {
    for (const { host, role, what, forMs } of steps.due(now().getTime())) {
      say(host, role, `${what}: still under way after ${duration(forMs)}`)
    }
  }

  return (event: RunEvent) => {
    switch (event.type) {
      case 'run-started':
        width = Math.max(4, ...event.hosts.map((name) => name.length))
        mode = event.mode
        looking = setInterval(look, lookEveryMs).unref()
        write(`${paint('dim', clock(now()))} ${event.playbook}: ${count(event.hosts.length, event.noun)}`)
        break
      case 'host-connecting':
        say(event.host, '', `connects to ${event.address}`)
        begin(event.host, '', 'connecting and reading the host')
        break
      case 'host-noticed':
        say(event.host, '', event.message)
        break
      case 'host-surveyed':
        steps.end(event.host)
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
        begin(event.place.host, event.place.role, event.place.resource)
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
        steps.end(planned.host)
        const changes = planned.changes.map(changeText).join(', ')
        const what = isRemoval(mode) && changeMark(planned) !== '-' ? 'put back' : doneWord(mode)
        at(planned, `${what}${changes === '' ? '' : ` (${changes})`}  ${duration(durationMs)}`)
        break
      }
      case 'host-ended':
        steps.end(event.result.host)
        say(event.result.host, '', `${ending(event.result, mode)}  ${duration(event.result.durationMs)}`)
        break
      case 'resource-waited':
        steps.end(event.place.host)
        break
      case 'run-ended':
        clearInterval(looking)
        break
      case 'resource-planned':
      case 'phase-ended':
        break
    }
  }
}

function ending({ status, error, reason, changed, undecided = [] }: HostResult, mode: Mode): string {
  if (status === 'failed') return `failed: ${error?.message ?? ''}`
  if (status === 'skipped') return `skipped: ${reason ?? ''}`
  if (changed.length > 0) return `ended: ${changed.length} ${isCheck(mode) ? dueWord(mode) : doneWord(mode)}`
  if (undecided.length > 0) return `ended: ${undecided.length} decided in the run`
  return isRemoval(mode) ? 'ended: nothing to remove' : 'ended: everything as declared'
}
