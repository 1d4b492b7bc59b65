/** Groups as they are written: each with those that are in it. */
export type WrittenGroups = Readonly<Record<string, { children: readonly string[] }>>

interface Grouped {
  hosts: Readonly<Record<string, { groups: readonly string[] }>>
  groups: WrittenGroups
}

/**
 * All groups that a host is in by being in these. What is further out comes first, so that the variables of an inner
 * group win; groups that are equally far stay in the order that the host names them.
 */
export function groupsOf(named: readonly string[], groups: WrittenGroups): string[] {
  const all = new Set<string>()
  const add = (name: string) => {
    for (const outer of outerOf(name, groups)) add(outer)
    all.add(name)
  }
  for (const name of named) add(name)
  return [...all].sort((one, other) => depthOf(one, groups) - depthOf(other, groups))
}

/** What is wrong with the groups: names that are taken or not known, and groups within themselves. */
export function groupMistakes({ hosts, groups }: Grouped): string[] {
  const names = Object.keys(groups)
  const reserved = names
    .filter((name) => ['all', 'admin'].includes(name))
    .map((name) => `groups/${name} should have another name, "${name}" stands for something else`)
  const unknownTo = (place: string, used: readonly string[]) =>
    used.flatMap((name, index) =>
      names.includes(name) ? [] : [`${place}/${index} should be one of ${names.join(', ')}, got "${name}"`],
    )
  const within = names
    .filter((name) => contains(name, name, groups))
    .map((name) => `groups/${name}/children should not lead back to ${name}`)
  return [
    ...reserved,
    ...Object.entries(groups).flatMap(([name, { children }]) =>
      unknownTo(`groups/${name}/children`, children),
    ),
    ...within,
    ...Object.entries(hosts).flatMap(([name, host]) => unknownTo(`hosts/${name}/groups`, host.groups)),
  ]
}

function outerOf(name: string, groups: WrittenGroups): string[] {
  return Object.keys(groups).filter((outer) => groups[outer]?.children.includes(name))
}

function depthOf(name: string, groups: WrittenGroups): number {
  return Math.max(0, ...outerOf(name, groups).map((outer) => depthOf(outer, groups) + 1))
}

function contains(outer: string, wanted: string, groups: WrittenGroups): boolean {
  const seen = new Set<string>()
  const leads = (name: string): boolean => {
    if (seen.has(name)) return false
    seen.add(name)
    return (groups[name]?.children ?? []).some((child) => child === wanted || leads(child))
  }
  return leads(outer)
}
