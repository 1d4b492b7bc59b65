import ssh2 from 'ssh2'

/** An SSH server that lets one public key in, whoever brings it, and does nothing more than `onReady` adds. */
export function sshServer(
  { hostKey, publicKey }: { hostKey: Buffer; publicKey: Buffer | string },
  onReady: (client: ssh2.Connection) => void = () => {},
): ssh2.Server {
  const allowed = ssh2.utils.parseKey(publicKey)
  if (allowed instanceof Error || Array.isArray(allowed)) throw new TypeError('a public key is one key')
  return new ssh2.Server({ hostKeys: [hostKey] }, (client) => {
    client.on('error', () => undefined)
    client.on('authentication', (attempt) => {
      const known =
        attempt.method === 'publickey' &&
        attempt.key.data.equals(allowed.getPublicSSH()) &&
        (attempt.signature === undefined ||
          attempt.blob === undefined ||
          allowed.verify(attempt.blob, attempt.signature, attempt.hashAlgo) === true)
      if (known) attempt.accept()
      else attempt.reject(['publickey'])
    })
    client.on('ready', () => onReady(client))
  })
}
