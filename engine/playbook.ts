import type { Role } from './role.ts'
import { parseShare, type Share } from './share.ts'

/** Roles for a group of hosts, in order. */
export interface Play {
  name: string
  /** A group, `all`, or a pattern of groups as `--limit` takes it: `kafka:&site1`, `all:!edge`. */
  hosts: string
  roles: Role[]
  /**
   * Plays that must have ended well on all their hosts before this one changes anything.
   * A host's own earlier plays always come first.
   */
  needs: string[]
  /** How many of its hosts do it at once: those after them begin when it has ended well on these. Left out: all. */
  serial?: Share
}

export interface Playbook {
  name: string
  summary: string
  plays: Play[]
}

export interface PlayDefinition extends Omit<Play, 'needs' | 'serial'> {
  needs?: string[]
  /** A number of hosts, `2`, or a share of them, `25%`. */
  serial?: number | `${number}%`
}

interface PlaybookDefinition {
  name: string
  summary: string
  plays: PlayDefinition[]
}

/**
 * Defines a playbook: which roles go to which hosts, and what waits for what.
 *
 * @throws TypeError when a play needs one that does not come before it, or its `serial` is neither a number nor a share
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
  return { name, summary, plays: plays.map((play) => toPlay(play, name)) }
}

function toPlay({ serial, ...play }: PlayDefinition, playbook: string): Play {
  const share = serial === undefined ? undefined : parseShare(String(serial))
  if (serial !== undefined && share === undefined)
    throw new TypeError(
      `${playbook} > ${play.name}: serial should be a number of hosts or a share, got ${serial}`,
    )
  return { ...play, needs: play.needs ?? [], ...(share && { serial: share }) }
}

/** The playbook with only the roles that `tags` names (all when empty) and without those in `skipTags`. */
export function withTags(playbook: Playbook, tags: readonly string[], skipTags: readonly string[]): Playbook {
  const wanted = ({ name }: Role) => (tags.length === 0 || tags.includes(name)) && !skipTags.includes(name)
  return { ...playbook, plays: playbook.plays.map((play) => ({ ...play, roles: play.roles.filter(wanted) })) }
}

/** The playbook from the first place on where it has that role. */
export function startingAt(playbook: Playbook, role: string): Playbook {
  let begun = false
  const plays = playbook.plays.map((play) => {
    const at = begun ? 0 : play.roles.findIndex(({ name }) => name === role)
    begun ||= at >= 0
    return { ...play, roles: at < 0 ? [] : play.roles.slice(at) }
  })
  return { ...playbook, plays }
}

/** The names of all roles in a playbook, each once. */
export function roleNames({ plays }: Playbook): string[] {
  return [...new Set(plays.flatMap(({ roles }) => roles.map(({ name }) => name)))]
}
