import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import type { Server } from 'ssh2'
import { sshServer } from '../../support/ssh-server.ts'
import type { Cloud } from './cloud.ts'
import { instancesOf } from './stack.ts'

/** The machines behind the instances of a cloud: at a public address answers the one that has it at that moment. */
export interface Machines {
  /** Where all of them listen for SSH. */
  port: number
  /** Public addresses as those of loopback that lead to the machines. */
  reachable(answer: string): string
  /** The host key of an instance, which it keeps. */
  hostKeyOf(id: string): string
}

/** Machines that let in one public key, and do nothing more. */
export async function startMachines(
  t: ExecutionContext,
  { cloud, folder, publicKey }: { cloud: Cloud; folder: string; publicKey: string },
): Promise<Machines> {
  const machines = new Map<string, { server: Server; hostKey: string }>()
  const machineOf = (id: string) => {
    const known = machines.get(id)
    if (known !== undefined) return known
    const file = join(folder, `host-key-${id}`)
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file])
    const hostKey = readFileSync(`${file}.pub`, 'utf8').split(' ').slice(0, 2).join(' ')
    const machine = { server: sshServer({ hostKey: readFileSync(file), publicKey }), hostKey }
    machines.set(id, machine)
    return machine
  }
  const listener = createServer(async (socket) => {
    const instances = await instancesOf(cloud)
    const at = socket.localAddress?.replace(/^127\./, '54.')
    const { InstanceId } = instances.find(({ PublicIpAddress }) => PublicIpAddress === at) ?? {}
    if (InstanceId === undefined) socket.destroy()
    else machineOf(InstanceId).server.injectSocket(socket)
  })
  await once(listener.listen(0, '0.0.0.0'), 'listening')
  t.teardown(() => listener.close())
  const { port } = listener.address() as AddressInfo
  return {
    port,
    // Those that the API server gives out begin with 54.
    reachable: (answer) => answer.replaceAll(/\b54\.(?=\d+\.\d+\.\d+\b)/g, '127.'),
    hostKeyOf: (id) => machineOf(id).hostKey,
  }
}
