import { existsSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
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
