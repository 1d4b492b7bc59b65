import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Host } from '../../engine/inventory.ts'
import type { Script } from '../../engine/shell.ts'
import { onController } from '../../inventory/lab/controller.ts'

/** A host as a tool reaches it: by an address of its own, or through a relay on this machine. */
export type Target = Pick<Host, 'name' | 'address' | 'port' | 'user' | 'hostKeys' | 'privateAddresses'> & {
  identityFile: string
}

/** What OpenSSH's own client needs to know of the targets: `ssh -F` this file. */
export async function writeSshFiles(directory: string, targets: readonly Target[]) {
  const knownHosts = join(directory, 'known_hosts')
  const configuration = join(directory, 'ssh_config')
  await writeFile(knownHosts, targets.flatMap(knownHostsLines).join(''))
  await writeFile(configuration, [...targets.map(hostEntry), commonEntry(knownHosts)].join('\n'))
  return { knownHosts, configuration }
}

function knownHostsLines({ address, port, hostKeys }: Target): string[] {
  const name = port === 22 ? address : `[${address}]:${port}`
  return hostKeys.map((key) => `${name} ${key}\n`)
}

function hostEntry({ name, address, port, user, identityFile }: Target): string {
  return `Host ${name}\n  HostName ${address}\n  Port ${port}\n  User ${user}\n  IdentityFile ${identityFile}\n`
}

function commonEntry(knownHosts: string): string {
  return [
    'Host *',
    '  IdentitiesOnly yes',
    '  StrictHostKeyChecking yes',
    `  UserKnownHostsFile ${knownHosts}`,
    '  GlobalKnownHostsFile /dev/null',
    '  LogLevel ERROR',
    '',
  ].join('\n')
}

/** Runs a script as root on every target, by OpenSSH; what each printed, by name. */
export async function onEveryTarget(
  sshConfiguration: string,
  targets: readonly Target[],
  script: Script,
): Promise<Map<string, string>> {
  const run = onController()
  const outputs = await Promise.all(
    targets.map(async ({ name }) => {
      const { stdout } = await run({
        input: `set -eu\n${script.text}\n`,
      })`ssh -F ${sshConfiguration} ${name} ${'exec sudo -n sh'}`
      return [name, stdout] as const
    }),
  )
  return new Map(outputs)
}
