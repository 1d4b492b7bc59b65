import { SluiceError } from '../engine/errors.ts'

/** Where OpenSSH keeps the public half of the host key that we pin. */
export const hostKeyFile = '/etc/ssh/ssh_host_ed25519_key.pub'

/** Of an Ed25519 key as it is sent (RFC 8709): the name, then 32 bytes, each with its length before it. */
const blobStart = Buffer.concat([
  Buffer.from([0, 0, 0, 11]),
  Buffer.from('ssh-ed25519'),
  Buffer.from([0, 0, 0, 32]),
])
const blobLength = blobStart.length + 32

/**
 * The one Ed25519 key in what a host said to be its public host key, as `type base64`.
 *
 * @param place who said so, and how it was asked
 * @throws SluiceError HOST_KEY_UNKNOWN when it is no such key, or more than one
 */
export function publicHostKey(text: string, place: string): string {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '')
  const [type, base64 = ''] = lines[0]?.trim().split(/\s+/) ?? []
  const blob = Buffer.from(base64, 'base64')
  const whole =
    lines.length === 1 &&
    type === 'ssh-ed25519' &&
    blob.toString('base64') === base64 &&
    blob.length === blobLength &&
    blob.subarray(0, blobStart.length).equals(blobStart)
  if (whole) return `${type} ${base64}`
  throw new SluiceError('HOST_KEY_UNKNOWN', {
    subject: `the content of ${hostKeyFile} should be one ssh-ed25519 key, got ${JSON.stringify(text.slice(0, 120))}`,
    at: place,
    advice: 'have the keys made on the host (ssh-keygen -A, as root), then try again',
  })
}
