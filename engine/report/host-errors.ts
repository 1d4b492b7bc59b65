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
    const key = JSON.stringify([error.code, inside.replaceAll(host, '…'), error.why, error.advice])
    const group = groups.get(key) ?? { error, subjects: new Set(), hosts: [], inside }
    group.subjects.add(error.subject)
    group.hosts.push(host)
    groups.set(key, group)
  }
  return [...groups.values()].map(describeGroup)
}

function describeGroup({ error, subjects, hosts, inside }: Group): string {
  const [first = '', ...others] = hosts
  const place = others.length === 0 ? inside : inside.replaceAll(first, '…')
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
