import { isIP, isIPv4, isIPv6 } from 'node:net'
import * as v from 'valibot'
import { type ErrorCode, SluiceError } from './errors.ts'

/** A POSIX account or group name, as `useradd` takes it. */
export const AccountName = v.pipe(
  v.string(),
  v.regex(/^[a-z_][a-z0-9_-]{0,31}$/, 'should be an account name: lower-case letters, digits, - and _'),
)

/** A path from the root, without `.` or `..` in it and without NUL. */
export const AbsolutePath = v.pipe(
  v.string(),
  v.startsWith('/', 'should be an absolute path'),
  v.check(
    (path) => !path.includes('\0') && !path.split('/').some((part) => part === '.' || part === '..'),
    'should have no "." or ".." in it',
  ),
)

/** Permission bits as four octal digits in a string, so that no YAML or JSON parser turns them into another number. */
export const FileMode = v.pipe(
  v.string(),
  v.regex(/^[0-7]{4}$/, 'should be four octal digits, for example "0644"'),
)

export const Port = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65535))

export const Address = v.pipe(
  v.string(),
  v.check((text) => isIP(text) !== 0, 'should be an IPv4 or IPv6 address'),
)

/** An IPv4 or IPv6 network in CIDR notation; a bare address is a network of one. */
export const Cidr = v.pipe(
  v.string(),
  v.check((text) => {
    const [address = '', length, ...rest] = text.split('/')
    if (rest.length > 0 || isIP(address) === 0) return false
    if (length === undefined) return true
    const most = isIPv4(address) ? 32 : isIPv6(address) ? 128 : 0
    return /^\d{1,3}$/.test(length) && Number(length) <= most
  }, 'should be a network such as 10.0.1.0/24 or fd77::/64'),
)

/** A host or group name: what may be typed in `--limit` and be a DNS label. */
export const Name = v.pipe(
  v.string(),
  v.regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/, 'should be a name: letters, digits, "-", "_" and "."'),
)

/**
 * Reads `input` by `schema`; a mismatch is an error of the given code that names every place in the input
 * that is wrong, what was expected there and what was found.
 *
 * @param place what is being read, for the error: a file, a flag, an environment
 */
export function parseWith<const Schema extends v.GenericSchema>(
  schema: Schema,
  input: unknown,
  { code, place, why, advice }: { code: ErrorCode; place: string; why?: string; advice: string },
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, input)
  if (result.success) return result.output
  throw new SluiceError(code, {
    subject: result.issues.map(describeIssue).join('; '),
    at: place,
    ...(why !== undefined && { why }),
    advice,
  })
}

/** What an issue says to have received when that must not be told. */
export const unrepeated = 'what is not repeated'

function describeIssue(issue: v.BaseIssue<unknown>): string {
  const path = issue.path?.map(({ key }) => String(key)).join('/') ?? ''
  const subject = path === '' ? 'the value' : path
  if (issue.expected === 'never') return `${subject} is not known`
  if (issue.received === 'undefined') return `${subject} is missing`
  if (issue.type === 'non_empty') return `${subject} ${issue.message}`
  // A message of our own says more than the rule that valibot names, such as a pattern.
  const rule = issue.message.startsWith('Invalid ') ? `should be ${issue.expected}` : issue.message
  return issue.received === unrepeated ? `${subject} ${rule}` : `${subject} ${rule}, got ${issue.received}`
}
