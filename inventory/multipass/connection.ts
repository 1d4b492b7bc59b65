import { existsSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Facts } from '../../engine/facts.ts'
import type { Host } from '../../engine/inventory.ts'
import type { ControllerAccess } from '../../engine/resource.ts'
import type { Connection } from '../../engine/transport/connection.ts'
import { runProgram } from '../program.ts'
import type { Multipass } from './client.ts'
import type { Records } from './records.ts'
import { userData } from './user-data.ts'

/** What the instances of one run have in common. */
export class Workplace {
  readonly multipass: Multipass
  readonly records: Records
  readonly #user: string
  #publicKey: Promise<string> | undefined

  constructor(multipass: Multipass, records: Records, user: string) {
    this.multipass = multipass
    this.records = records
    this.#user = user
  }

  /** What cloud-init is told; the key is made for the first instance that wants it. */
  async userData(): Promise<string> {
    this.#publicKey ??= publicKeyOf(this.records.identityFile)
    return userData({ user: this.#user, publicKey: await this.#publicKey })
  }
}

/** An instance as the engine's host while it is made or removed: all goes through the program, nothing through a shell. */
export class InstanceConnection implements Connection {
  readonly host: Host
  readonly workplace: Workplace
  readonly facts: Facts

  constructor(host: Host, workplace: Workplace) {
    this.host = host
    this.workplace = workplace
    this.facts = noMachine(host.name)
  }

  execute(): never {
    throw new TypeError('an instance that is being made has no shell')
  }

  upload(): never {
    throw new TypeError('an instance that is being made takes no files')
  }

  forward(): never {
    throw new TypeError('an instance that is being made forwards nothing')
  }

  close(): void {}
}

/** What is behind a resource's access. */
export function workplaceOf({ connection }: Pick<ControllerAccess, 'connection'>): Workplace {
  if (connection instanceof InstanceConnection) return connection.workplace
  throw new TypeError(`${connection.host.name} is no instance of Multipass`)
}

/** The public half of the project's key, which is made where there is none. */
async function publicKeyOf(file: string): Promise<string> {
  if (!existsSync(file)) {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    const sshKeygen = {
      name: 'ssh-keygen',
      install: 'install the OpenSSH client: apt-get install openssh-client',
      look: `see whether this user may write there: ${dirname(file)}`,
    }
    await runProgram(sshKeygen, ['-q', '-t', 'ed25519', '-N', '', '-C', 'sluice multipass', '-f', file])
  }
  return (await readFile(`${file}.pub`, 'utf8')).trim()
}

function noMachine(hostname: string): Facts {
  return {
    hostname,
    distribution: 'multipass',
    release: '',
    architecture: 'amd64',
    processors: 1,
    memoryMb: 1,
    container: false,
    clientAddress: '',
  }
}
