/** Variables of Ansible: one level, by name. */
export type AnsibleVariables = Record<string, unknown>

/** Whether this is a mapping: a schema of valibot takes a list for one. */
export function isMapping(value: unknown): value is AnsibleVariables {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

interface AnsibleGroup {
  hosts: Set<string>
  children: Set<string>
  variables: AnsibleVariables
  /** Those of `group_vars`, by source. */
  fileVariables: AnsibleVariables[]
}

/** What an Ansible inventory says: groups within groups, and hosts in any number of them. */
export class AnsibleModel {
  readonly groups = new Map<string, AnsibleGroup>()
  readonly hosts = new Map<string, AnsibleVariables>()
  /** Those of `host_vars`, by source. */
  readonly hostFileVariables = new Map<string, AnsibleVariables[]>()

  constructor() {
    this.group('all')
    this.group('ungrouped')
  }

  /** The group of this name, which is there from now on. */
  group(name: string): AnsibleGroup {
    const group = this.groups.get(name) ?? {
      hosts: new Set(),
      children: new Set(),
      variables: {},
      fileVariables: [],
    }
    this.groups.set(name, group)
    return group
  }

  /** @param port as it stands after the host's name; it counts where the host is named first */
  addHost(name: string, group: string, variables: AnsibleVariables, port: number | undefined): void {
    this.group(group).hosts.add(name)
    const former = this.hosts.get(name) ?? (port === undefined ? {} : { ansible_port: port })
    this.hosts.set(name, { ...former, ...variables })
  }

  /** The groups that a host is in, itself or by way of others, those that win last; `all` is not among them. */
  groupsOf(host: string): string[] {
    const depths = this.#depths()
    const priority = (name: string) => Number(this.groups.get(name)?.variables.ansible_group_priority ?? 1)
    return [...this.groups.keys()]
      .filter((name) => name !== 'all' && name !== 'ungrouped' && this.#contains(name, host))
      .sort((left, right) => {
        const byDepth = (depths.get(left) ?? 1) - (depths.get(right) ?? 1)
        return byDepth || priority(left) - priority(right) || (left < right ? -1 : 1)
      })
  }

  /** All variables of a host: a value that wins takes the place of the whole other one. */
  variablesOf(host: string): AnsibleVariables {
    const groups = this.groupsOf(host)
    const all = this.group('all')
    const own = (groups.length === 0 ? ['ungrouped'] : groups).map((name) => this.group(name))
    const layers = [
      // The priority is no variable here; in files, and of hosts, it is only that.
      ...[all, ...own].map(({ variables: { ansible_group_priority: _, ...variables } }) => variables),
      ...all.fileVariables,
      // Of a later source every group wins over every group of an earlier one.
      ...all.fileVariables.flatMap((_, source) => own.map(({ fileVariables }) => fileVariables[source])),
      this.hosts.get(host),
      ...(this.hostFileVariables.get(host) ?? []),
    ]
    return Object.assign({}, ...layers)
  }

  /** The variables that are for all hosts. */
  variablesOfAll(): AnsibleVariables {
    const { variables, fileVariables } = this.group('all')
    return Object.assign({}, variables, ...fileVariables)
  }

  /** A group that contains itself, if there is one. */
  loop(): string | undefined {
    const reaches = (from: string, wanted: string, seen: Set<string>): boolean =>
      [...(this.groups.get(from)?.children ?? [])].some((child) => {
        if (child === wanted) return true
        if (seen.has(child)) return false
        seen.add(child)
        return reaches(child, wanted, seen)
      })
    return [...this.groups.keys()].find((name) => reaches(name, name, new Set()))
  }

  #contains(group: string, host: string): boolean {
    const { hosts, children } = this.group(group)
    return hosts.has(host) || [...children].some((child) => this.#contains(child, host))
  }

  /** The longest way to each group: `all` is 0. */
  #depths(): Map<string, number> {
    const depths = new Map<string, number>()
    const visit = (name: string, depth: number) => {
      if ((depths.get(name) ?? -1) >= depth) return
      depths.set(name, depth)
      for (const child of this.group(name).children) visit(child, depth + 1)
    }
    for (const name of this.groups.keys()) visit(name, name === 'all' ? 0 : 1)
    return depths
  }
}
