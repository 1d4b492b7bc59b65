import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { sshServer } from './ssh-server.ts'

/**
 * An SSH server on loopback that lets a key of its own in and does nothing but forward connections, as a hardened host
 * does for its services: what commands that only ask services need, without a host.
 *
 * @returns how a host in an inventory file reaches it
 */
export async function forwardingSsh(t: ExecutionContext, folder: string): Promise<string> {
  for (const name of ['host-key', 'login-key']) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)])
  }
  const keys = {
    hostKey: readFileSync(join(folder, 'host-key')),
    publicKey: readFileSync(join(folder, 'login-key.pub')),
  }
  const server = sshServer(keys, (client) => {
    client.on('tcpip', (accept, reject, { destIP, destPort }) => {
      const socket = connect(destPort, destIP)
      socket.once('connect', () => {
        const stream = accept()
        stream.on('error', () => socket.destroy())
        stream.on('close', () => socket.destroy())
        socket.pipe(stream).pipe(socket)
      })
      socket.once('error', reject)
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  const hostKey = readFileSync(join(folder, 'host-key.pub'), 'utf8').split(' ').slice(0, 2).join(' ')
  const identityFile = join(folder, 'login-key')
  return `address: 127.0.0.1, port: ${port}, user: root, identityFile: ${identityFile}, hostKeys: ["${hostKey}"]`
}
