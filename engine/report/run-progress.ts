import type { HostResult, Mode, Place, RunEvent } from '../events.ts'

/** Where one host is, as of the last event. */
export interface HostProgress {
  name: string
  state: 'not begun' | 'connecting' | 'working' | 'waiting' | 'ended'
  /** What it is at: play, role and resource, or what it waits for. */
  play: string
  role: string
  at: string
  /** What the resource says of itself, such as how much of an upload is done. */
  message: string
  /** Differences found, and how many of them are done. */
  pending: number
  done: number
  beganAt: number
  result: HostResult | undefined
}

/** A run as far as its events have told. Events of many hosts may come in any order. */
export class RunProgress {
  playbook = ''
  mode: Mode = 'apply'
  noun = 'host'
  beganAt = 0
  /** Those that anything was said of yet. */
  readonly plays = new Set<string>()
  readonly hosts = new Map<string, HostProgress>()

  /** @param time of the event, in milliseconds */
  accept(event: RunEvent, time: number): void {
    switch (event.type) {
      case 'run-started':
        this.playbook = event.playbook
        this.mode = event.mode
        this.noun = event.noun ?? 'host'
        this.beganAt = time
        for (const name of event.hosts) this.hosts.set(name, notBegun(name, time))
        break
      case 'host-connecting':
        this.#update(event.host, { state: 'connecting', at: `connecting to ${event.address}`, beganAt: time })
        break
      case 'host-surveyed':
        this.#update(event.host, {
          state: 'working',
          play: '',
          role: '',
          at: '',
          message: '',
          pending: event.pending,
        })
        break
      case 'resource-started':
        this.#work(event.place, '')
        break
      case 'resource-progress':
        this.#work(event.place, event.message)
        break
      case 'resource-changed': {
        const host = this.hosts.get(event.planned.host)
        if (host !== undefined) host.done++
        break
      }
      case 'host-waiting':
        this.plays.add(event.play)
        this.#update(event.host, {
          state: 'waiting',
          play: '',
          role: '',
          at: `${event.play} waits for ${event.needs.join(', ')}`,
          message: '',
        })
        break
      case 'host-ended':
        this.#update(event.result.host, { state: 'ended', result: event.result })
        break
      case 'resource-planned':
        this.plays.add(event.planned.play)
        break
      case 'resource-waited':
      case 'phase-ended':
      case 'run-ended':
        break
    }
  }

  #work({ host, play, role, resource }: Place, message: string): void {
    this.plays.add(play)
    this.#update(host, { state: 'working', play, role, at: resource, message })
  }

  #update(name: string, change: Partial<HostProgress>): void {
    const host = this.hosts.get(name)
    if (host !== undefined) Object.assign(host, change)
  }
}

function notBegun(name: string, time: number): HostProgress {
  return {
    name,
    state: 'not begun',
    play: '',
    role: '',
    at: '',
    message: '',
    pending: 0,
    done: 0,
    beganAt: time,
    result: undefined,
  }
}
