interface Way {
  jump?: string | undefined
}

/** As much of an inventory file as says which host is reached through which. */
export interface Ways {
  defaults: Way
  hosts: Record<string, Way>
  jumpHosts: Record<string, Way>
}

/** The default is for hosts that are worked on: what they go through is reached directly unless it says otherwise. */
export function jumpOf(name: string, { defaults, hosts, jumpHosts }: Ways): string | undefined {
  const entry = hosts[name]
  if (entry === undefined) return jumpHosts[name]?.jump
  return entry.jump ?? (defaults.jump === name ? undefined : defaults.jump)
}

/** What is wrong with the hosts that others are reached through, loops among them. */
export function jumpMistakes(file: Ways): string[] {
  const names = [...Object.keys(file.hosts), ...Object.keys(file.jumpHosts)]
  const twice = Object.keys(file.jumpHosts)
    .filter((name) => name in file.hosts)
    .map((name) => `jumpHosts/${name} is in hosts too: it should be in one of them`)
  const wrong = names.flatMap((name) => {
    const path = `${name in file.hosts ? 'hosts' : 'jumpHosts'}/${name}/jump`
    const way = [name]
    for (let next = jumpOf(name, file); next !== undefined; next = jumpOf(next, file)) {
      if (!names.includes(next)) {
        return way.length > 1 ? [] : [`${path} should be one of ${names.join(', ')}, got "${next}"`]
      }
      if (next === name) return [`${path} leads back to ${name}: ${[...way, next].join(' > ')}`]
      // A loop further on is told of by its own members.
      if (way.includes(next)) return []
      way.push(next)
    }
    return []
  })
  return [...twice, ...wrong]
}
