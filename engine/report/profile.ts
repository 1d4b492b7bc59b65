import type { Profile } from '../events.ts'
import type { Paint } from './terminal.ts'
import { count, duration } from './wording.ts'

/** How many of a kind are shown. */
const shownAtMost = 12

/** Where a run's time went: the slowest resources, the roles, and the hosts. */
export function profileLines({ hosts, roles, resources }: Profile, paint: Paint): string[] {
  const [hostWidth, roleWidth] = [
    widest(hosts.map(({ host }) => host)),
    widest(resources.map(({ role }) => role)),
  ]
  const time = (milliseconds: number) => duration(milliseconds).padStart(11)
  const slowest = resources.slice(0, shownAtMost)
  const changing = roles.slice(0, shownAtMost)
  const hostsShown = hosts.toSorted((one, other) => total(other) - total(one)).slice(0, shownAtMost)
  return [
    ...section(
      'slowest resources',
      resources.length - slowest.length,
      slowest.map(
        ({ host, role, resource, durationMs }) =>
          `${time(durationMs)}  ${host.padEnd(hostWidth)}  ${role.padEnd(roleWidth)}  ${resource}`,
      ),
    ),
    ...section(
      'roles, the time of all hosts together',
      roles.length - changing.length,
      changing.map(
        ({ role, resources: number, hosts: on, durationMs }) =>
          `${time(durationMs)}  ${role.padEnd(roleWidth)}  ${count(number, 'resource')} on ${count(on, 'host')}`,
      ),
    ),
    ...section(
      'hosts: to connect, to read, to change, to prove',
      hosts.length - hostsShown.length,
      hostsShown.map(
        (host) =>
          `${host.host.padStart(hostWidth + 2)}  ${[host.connect, host.read, host.apply, host.verify].map(time).join(' ')}`,
      ),
    ),
  ]

  function section(title: string, more: number, lines: string[]): string[] {
    if (lines.length === 0) return []
    return ['', paint('bold', title), ...lines, ...(more > 0 ? [paint('dim', `  and ${more} more`)] : [])]
  }
}

function widest(names: readonly string[]): number {
  return Math.max(4, ...names.map(({ length }) => length))
}

function total({ connect, read, apply, verify }: Profile['hosts'][number]): number {
  return connect + read + apply + verify
}
