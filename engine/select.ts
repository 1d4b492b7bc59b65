import { SluiceError } from './errors.ts'
import type { Host, Inventory } from './inventory.ts'

/**
 * The hosts that a pattern names, in the inventory's order. As with Ansible, terms are separated by `,` or `:`;
 * a term is a host, a group, `all` or either with `*`; `!term` takes away and `&term` keeps only what is in it too.
 *
 * @throws SluiceError HOSTS_UNKNOWN when a term names nothing, or there is none
 */
export function selectHosts({ hosts, name }: Inventory, pattern: string): Host[] {
  if (termsOf(pattern).length === 0) {
    // An unset variable of the shell is not all hosts.
    throw new SluiceError('HOSTS_UNKNOWN', {
      subject: `the pattern "${pattern}" names no host`,
      at: 'the command line, --limit',
      advice: 'name hosts or groups, or leave --limit out for all',
    })
  }
  const namesOf = (host: Host) => [host.name, ...host.groups]
  return matching(hosts, pattern, namesOf, (term) => {
    throw unknownTerm(term, hosts, name)
  })
}

/**
 * Like `selectHosts`, but by groups only: what a play is for is not to depend on how somebody calls a host. A group
 * without hosts is no mistake: a playbook may name groups that an inventory lacks.
 */
export function hostsOfPlay({ hosts }: Inventory, pattern: string): Host[] {
  return matching(
    hosts,
    pattern,
    ({ groups }) => groups,
    () => {},
  )
}

function matching(
  hosts: readonly Host[],
  pattern: string,
  namesOf: (host: Host) => string[],
  onNothing: (term: string) => void,
): Host[] {
  const terms = termsOf(pattern)
  const matches = (term: string): Set<Host> => {
    const expression = globExpression(term)
    const found = hosts.filter(
      (host) => term === 'all' || namesOf(host).some((name) => expression.test(name)),
    )
    if (found.length === 0) onNothing(term)
    return new Set(found)
  }
  const [added, kept, removed] = [
    terms.filter((term) => !/^[!&]/.test(term)),
    terms.filter((term) => term.startsWith('&')),
    terms.filter((term) => term.startsWith('!')),
  ]
  const start = added.length === 0 ? new Set(hosts) : new Set(added.flatMap((term) => [...matches(term)]))
  const within = kept.map((term) => matches(term.slice(1)))
  const without = removed.map((term) => matches(term.slice(1)))
  return hosts.filter(
    (host) =>
      start.has(host) && within.every((set) => set.has(host)) && !without.some((set) => set.has(host)),
  )
}

function termsOf(pattern: string): string[] {
  return pattern
    .split(/[,:]/)
    .map((term) => term.trim())
    .filter((term) => term !== '')
}

function globExpression(term: string): RegExp {
  return new RegExp(
    `^${term
      .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
  )
}

function unknownTerm(term: string, hosts: readonly Host[], inventory: string): SluiceError {
  const groups = [...new Set(hosts.flatMap((host) => host.groups))]
  return new SluiceError('HOSTS_UNKNOWN', {
    subject: `"${term}" is no host, group or pattern of the inventory ${inventory}`,
    why: `its hosts: ${hosts.map((host) => host.name).join(', ') || 'none'}; its groups: ${groups.join(', ') || 'none'}`,
    advice: 'name one of these, for example --limit "kafka,!vm3"',
  })
}
