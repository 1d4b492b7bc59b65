import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { labUser } from './base-image.ts'
import { makeHostKeys } from './keys.ts'
import { hostPaths, labPaths } from './names.ts'
import { addressIn, type LabNetwork, lastOctet } from './network.ts'
import type { LabSettings } from './settings.ts'
import { type HostRecord, writeRecord } from './state.ts'

/** The first ordinary account of a Debian system, which the base image makes. */
const labUserId = 1000

/** Makes a host: its layer over the base, with what is its own in it. It is there as a whole or not at all. */
export async function createHost(
  settings: LabSettings,
  network: LabNetwork,
  host: string,
  number: number,
  base: string,
): Promise<HostRecord> {
  const { root } = hostPaths(settings, host)
  const unfinished = `${root}.new`
  await rm(unfinished, { recursive: true, force: true })
  const upper = join(unfinished, 'upper')
  await mkdir(upper, { recursive: true })
  await mkdir(join(unfinished, 'work'))
  await mkdir(join(unfinished, 'merged'))
  await makeDirectories(upper, ['', 'etc', 'etc/ssh', 'etc/systemd', 'etc/systemd/network', 'home'])
  await place(upper, 'etc/hostname', `${host}\n`)
  await place(upper, 'etc/hosts', hostsFile(host))
  await place(upper, 'etc/machine-id', `${randomBytes(16).toString('hex')}\n`)
  await place(upper, 'etc/resolv.conf', await nameServers())
  await place(upper, 'etc/systemd/network/10-host0.network', networkFile(network, number))
  await placeAuthorizedKey(upper, await readFile(`${labPaths(settings).identity}.pub`, 'utf8'))
  const record = { number, base, hostKeys: await makeHostKeys(join(upper, 'etc/ssh'), host) }
  await writeRecord(join(unfinished, 'host.json'), record)
  await rename(unfinished, root)
  return record
}

/** Without a line for its own name every sudo would wait for name servers. */
export function hostsFile(host: string): string {
  return [
    '127.0.0.1 localhost',
    `127.0.1.1 ${host}`,
    '::1 localhost ip6-localhost ip6-loopback',
    'ff02::1 ip6-allnodes',
    'ff02::2 ip6-allrouters',
    '',
  ].join('\n')
}

/** Static addresses; no way out by IPv6, because the lab gives none. */
export function networkFile({ network, network6 }: LabNetwork, number: number): string {
  return [
    '[Match]',
    'Name=host0',
    '',
    '[Network]',
    'LinkLocalAddressing=ipv6',
    'IPv6AcceptRA=no',
    `Gateway=${addressIn(network, 1)}`,
    '',
    '[Address]',
    `Address=${addressIn(network, lastOctet(number))}/24`,
    '',
    '[Address]',
    `Address=${addressIn(network6, lastOctet(number))}/64`,
    'DuplicateAddressDetection=none',
    '',
  ].join('\n')
}

/** This machine's name servers, as hosts can reach them: a resolver on its loopback answers only itself. */
async function nameServers(): Promise<string> {
  const behindTheStub = '/run/systemd/resolve/resolv.conf'
  const own = existsSync('/etc/resolv.conf') ? await readFile('/etc/resolv.conf', 'utf8') : ''
  const onLoopback = /^nameserver\s+(127\.|::1)/m.test(own)
  return onLoopback && existsSync(behindTheStub) ? readFile(behindTheStub, 'utf8') : own
}

async function placeAuthorizedKey(upper: string, key: string): Promise<void> {
  const home = join(upper, 'home', labUser)
  const directory = join(home, '.ssh')
  const file = join(directory, 'authorized_keys')
  await mkdir(directory, { recursive: true })
  await writeFile(file, key)
  await chmod(file, 0o600)
  for (const path of [home, directory]) await chmod(path, 0o700)
  for (const path of [home, directory, file]) await chown(path, labUserId, labUserId)
}

/** In an overlay the owner and mode of the upper directory count, so they must be those of the base. */
async function makeDirectories(upper: string, directories: readonly string[]): Promise<void> {
  for (const directory of directories) {
    await mkdir(join(upper, directory), { recursive: true })
    await chmod(join(upper, directory), 0o755)
  }
}

async function place(upper: string, path: string, content: string): Promise<void> {
  const file = join(upper, path)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, content)
  await chmod(file, 0o644)
}
