import type { Role } from './role.ts'

/** Roles for a group of hosts, in order. */
export interface Play {
  name: string
  /** A host pattern: a group, `all`, or what `--limit` takes. */
  hosts: string
  roles: Role[]
  /**
   * Plays that must have ended well on all their hosts before this one changes anything.
   * A host's own earlier plays always come first.
   */
  needs: string[]
}

export interface Playbook {
  name: string
  summary: string
  plays: Play[]
}

interface PlaybookDefinition {
  name: string
  summary: string
  plays: (Omit<Play, 'needs'> & { needs?: string[] })[]
}

/**
 * Defines a playbook: which roles go to which hosts, and what waits for what.
 *
 * @throws TypeError when a play needs one that does not come before it
 */
export function definePlaybook({ name, summary, plays }: PlaybookDefinition): Playbook {
  const names: string[] = []
  for (const play of plays) {
    for (const need of play.needs ?? []) {
      if (!names.includes(need))
        throw new TypeError(`${name} > ${play.name}: needs "${need}", which is not before it`)
    }
    names.push(play.name)
  }
  return { name, summary, plays: plays.map((play) => ({ ...play, needs: play.needs ?? [] })) }
}

/** The playbook with only the roles that `tags` names (all when empty) and without those in `skipTags`. */
export function withTags(playbook: Playbook, tags: readonly string[], skipTags: readonly string[]): Playbook {
  const wanted = ({ name }: Role) => (tags.length === 0 || tags.includes(name)) && !skipTags.includes(name)
  return { ...playbook, plays: playbook.plays.map((play) => ({ ...play, roles: play.roles.filter(wanted) })) }
}

/** The names of all roles in a playbook, each once. */
export function roleNames({ plays }: Playbook): string[] {
  return [...new Set(plays.flatMap(({ roles }) => roles.map(({ name }) => name)))]
}
