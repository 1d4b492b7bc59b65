import { SluiceError } from '../../engine/errors.ts'
import type { SshConfigSettings } from './settings.ts'

const at = 'sluice.config.json > sshConfig > groups'
const advice =
  'say which host has which role: "sshConfig": { "groups": { "kafka": ["vm1"], "mongodb": ["vm2"], "processor": ["vm3"], "producers": ["vm4"] } }'

/**
 * The groups of every host that is in one, by its name; other hosts that ssh knows are nobody's business.
 *
 * @param names what `Host` lines call hosts
 * @throws SluiceError INVENTORY_INVALID when no group has a host, or one names something that is not there
 */
export function groupsByHost({ groups }: SshConfigSettings, names: readonly string[]): Map<string, string[]> {
  const there =
    names.length === 0 ? 'it names no host, only patterns at most' : `it names: ${names.join(', ')}`
  const found = new Map<string, string[]>()
  const unknown: string[] = []
  for (const [group, patterns] of Object.entries(groups)) {
    for (const pattern of patterns) {
      const matching = names.filter((name) => meant(pattern).test(name))
      if (matching.length === 0) unknown.push(`"${pattern}" of ${group}`)
      for (const name of matching) found.set(name, [...new Set([...(found.get(name) ?? []), group])])
    }
  }
  if (unknown.length > 0) {
    throw new SluiceError('INVENTORY_INVALID', {
      subject: `no Host line of the configuration of ssh names ${unknown.join(', ')}`,
      at,
      why: there,
      advice: 'write these hosts as they are called there, or give each a Host line of its own',
    })
  }
  if (found.size > 0) return found
  throw new SluiceError('INVENTORY_INVALID', {
    subject: 'nothing says which hosts of the configuration of ssh are meant, and what each is',
    at,
    why: there,
    advice,
  })
}

function meant(pattern: string): RegExp {
  const parts = pattern.split(/([*?])/).map((part) => {
    if (part === '*') return '.*'
    return part === '?'
      ? '.'
      : part.replaceAll(/[^a-zA-Z0-9]/g, (sign) => `\\u{${sign.codePointAt(0)?.toString(16)}}`)
  })
  return new RegExp(`^${parts.join('')}$`, 'u')
}
