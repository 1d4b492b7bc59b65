import { describeError, SluiceError } from '../errors.ts'
import type { HostResult } from '../events.ts'
import { printable } from './terminal.ts'

/** Hosts to which the same befell, or the same but for a name or address in the subject. */
interface Group {
  error: SluiceError
  subjects: Set<string>
  hosts: string[]
  /** Where on the host. */
  inside: string
}

/** The errors of all hosts, each once with the hosts that it befell. */
export function hostErrors(results: readonly Pick<HostResult, 'host' | 'error'>[]): string[] {
  const groups = new Map<string, Group>()
  for (const { host, error } of results) {
    // That the run was stopped is said once for all, and is no mistake to correct.
    if (error === undefined || error.code === 'INTERRUPTED') continue
    const inside = (error.at ?? '').replace(host, '').replace(/^ > /, '')
    const key = JSON.stringify([error.code, without(host, inside), error.why, error.advice])
    const group = groups.get(key) ?? { error, subjects: new Set(), hosts: [], inside }
    group.subjects.add(error.subject)
    group.hosts.push(host)
    groups.set(key, group)
  }
  return [...groups.values()].map(describeGroup)
}

/** The same place of any host, where it is named after its host: `instance shop-…`. */
function without(host: string, place: string): string {
  return place.replaceAll(new RegExp(`(?<![a-z0-9])${RegExp.escape(host)}(?![a-z0-9])`, 'gi'), '…')
}

function describeGroup({ error, subjects, hosts, inside }: Group): string {
  const [first = '', ...others] = hosts
  const place = others.length === 0 ? inside : without(first, inside)
  const { code, why, advice } = error
  return printable(
    describeError(
      new SluiceError(code, {
        subject: [...subjects].join(`\n${' '.repeat(code.length + 2)}`),
        at: [hosts.join(', '), ...(place === '' ? [] : [place])].join(' > '),
        ...(why !== undefined && { why }),
        ...(advice !== undefined && { advice }),
      }),
    ),
  )
}
