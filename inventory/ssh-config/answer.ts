import * as v from 'valibot'
import { Port } from '../../engine/schemas.ts'

const One = v.pipe(
  v.strictTuple([v.string()], 'should be said once'),
  v.transform(([value]) => value),
)
const Number_ = v.pipe(One, v.regex(/^\d{1,5}$/, 'should be a number'), v.transform(Number), Port)
const Some = v.optional(v.array(v.string()), [])

/** What `ssh -G` says of one host, as far as it matters here: every value that a keyword has, in order. */
const Settings = v.object({
  hostname: v.pipe(One, v.nonEmpty('should not be empty')),
  user: v.pipe(One, v.nonEmpty('should not be empty')),
  port: Number_,
  identityfile: Some,
  userknownhostsfile: Some,
  proxyjump: v.optional(One),
  hostkeyalias: v.optional(One),
  proxycommand: v.optional(One),
  certificatefile: Some,
  identityagent: v.optional(One),
  pkcs11provider: v.optional(One),
  knownhostscommand: v.optional(One),
  bindaddress: v.optional(One),
  bindinterface: v.optional(One),
  addressfamily: v.optional(One),
  canonicalizehostname: v.optional(One),
})
export type SshSettings = v.InferOutput<typeof Settings>

/** Why what ssh said is not what ssh says. */
export class NoAnswer extends Error {}

/**
 * Reads what `ssh -G` prints: a keyword and its value a line.
 *
 * @throws NoAnswer with what was expected and what was found
 */
export function readAnswer(text: string): SshSettings {
  const values = new Map<string, string[]>()
  for (const line of text.split('\n')) {
    if (line === '') continue
    const [, keyword = '', value = ''] = /^([A-Za-z][A-Za-z0-9]*)(?: (.*))?$/.exec(line) ?? []
    if (keyword === '') throw new NoAnswer(`should be a keyword and its value, got "${line}"`)
    const name = keyword.toLowerCase()
    values.set(name, [...(values.get(name) ?? []), value])
  }
  const read = v.safeParse(Settings, Object.fromEntries(values))
  if (read.success) return read.output
  const [{ path, message, received }] = read.issues
  throw new NoAnswer(`${String(path?.[0]?.key)} ${message}, got ${received}`)
}
