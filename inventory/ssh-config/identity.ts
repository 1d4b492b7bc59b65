import { existsSync } from 'node:fs'
import { hostname, userInfo } from 'node:os'
import { join } from 'node:path'
import type { SshSettings } from './answer.ts'

/** The one key file to log in with; none for the agent and the usual files; or what only ssh can make of it. */
export type Identity = { file?: string } | { onlySsh: string }

/**
 * @param name what the host is called in the configuration of ssh
 * @param usual the files that ssh tries when nothing names one
 */
export function identityOf(settings: SshSettings, name: string, usual: readonly string[]): Identity {
  const named = settings.identityfile.filter((file) => file !== 'none')
  if (named.join('\n') === usual.join('\n')) return {}
  const files = named.map((file) => expanded(file, settings, name))
  if (files.includes(undefined)) return { onlySsh: 'IdentityFile' }
  const there = files.filter((file) => file !== undefined && existsSync(file))
  const [file] = there
  // Without any of them, ssh goes on with what the agent holds.
  if (file === undefined) return {}
  return there.length > 1 || file.endsWith('.pub') ? { onlySsh: 'IdentityFile' } : { file }
}

/** `undefined` where a token in it is known to ssh alone. */
function expanded(
  file: string,
  { hostname: host, port, user }: SshSettings,
  name: string,
): string | undefined {
  const { homedir, username, uid } = userInfo()
  const tokens: Record<string, string> = {
    '%': '%',
    d: homedir,
    h: host,
    i: String(uid),
    L: hostname().split('.')[0] ?? '',
    l: hostname(),
    n: name,
    p: String(port),
    r: user,
    u: username,
  }
  let known = !file.includes('${')
  const text = file.replaceAll(/%(.?)/g, (_, token: string) => {
    known &&= token in tokens
    return tokens[token] ?? ''
  })
  if (!known) return undefined
  return text.startsWith('~/') ? join(homedir, text.slice(2)) : text
}
