import { describeError, SluiceError } from '../errors.ts'
import type { HostResult } from '../events.ts'
import { printable } from './terminal.ts'

/**
 * The errors of all hosts, each text once with the hosts that it befell.
 * The hosts of one error differ only in where it happened, so their names go into its `at`.
 */
export function hostErrors(hosts: readonly HostResult[]): string[] {
  const groups = new Map<string, { error: SluiceError; names: string[]; inside: string }>()
  for (const { host, error } of hosts) {
    if (error === undefined) continue
    const inside = (error.at ?? '').replace(host, '').replace(/^ > /, '')
    const key = JSON.stringify([error.message, inside, error.why, error.advice])
    const group = groups.get(key) ?? { error, names: [], inside }
    group.names.push(host)
    groups.set(key, group)
  }
  return [...groups.values()].map(({ error, names, inside }) => {
    const at = [names.join(', '), ...(inside === '' ? [] : [inside])].join(' > ')
    const { code, subject, why, advice } = error
    return printable(
      describeError(
        new SluiceError(code, {
          subject,
          at,
          ...(why !== undefined && { why }),
          ...(advice !== undefined && { advice }),
        }),
      ),
    )
  })
}
