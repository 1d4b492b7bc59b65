/** The kinds of host keys that sshd has, the one that is asked for first in front. */
const kinds = ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521', 'ssh-rsa']

/**
 * The public host keys, `type base64`, that cloud-init wrote to the console when the instance started for the first time.
 * A line that is no whole key is left out: the console may have been cut off in it.
 */
export function consoleHostKeys(output: string): string[] {
  const start = output.lastIndexOf('-----BEGIN SSH HOST KEY KEYS-----')
  if (start < 0) return []
  const end = output.indexOf('-----END SSH HOST KEY KEYS-----', start)
  if (end < 0) return []
  const keys = output
    .slice(start, end)
    .split('\n')
    .flatMap((line) => {
      // The kernel or systemd may have put a time and a name before it.
      const [, kind = '', base64 = ''] =
        /(?:^|\s)((?:ssh|ecdsa)-[a-z0-9-]+) ([A-Za-z0-9+/]+=*)(?=\s|$)/.exec(line) ?? []
      return kinds.includes(kind) && kindOf(base64) === kind ? [`${kind} ${base64}`] : []
    })
  const order = (key: string) => kinds.indexOf(key.split(' ')[0] ?? '')
  return [...new Set(keys)].sort((left, right) => order(left) - order(right))
}

/** The kind that a key itself says it is; `undefined` unless it is whole. */
function kindOf(base64: string): string | undefined {
  const key = Buffer.from(base64, 'base64')
  const fields: Buffer[] = []
  for (let at = 0; at < key.length; ) {
    if (at + 4 > key.length) return undefined
    const length = key.readUInt32BE(at)
    if (at + 4 + length > key.length) return undefined
    fields.push(key.subarray(at + 4, at + 4 + length))
    at += 4 + length
  }
  return fields.length >= 2 ? fields[0]?.toString('ascii') : undefined
}
