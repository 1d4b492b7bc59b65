import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestFn } from 'ava'
import { runBatch } from '../../engine/batch.ts'
import type { Host, Inventory } from '../../engine/inventory.ts'
import { type Script, sh } from '../../engine/shell.ts'
import type { Connection } from '../../engine/transport/connection.ts'
import { hostKeys } from '../../engine/transport/host-keys.ts'
import { connect } from '../../engine/transport/ssh.ts'
import { bringUp, takeDown } from '../../inventory/lab/lifecycle.ts'
import { type LabSettings, labSettings } from '../../inventory/lab/settings.ts'
import { labInventory } from '../../inventory/lab.ts'

export const isRoot = process.getuid?.() === 0

/** What tests that need real hosts say when they cannot have them. */
export const needsRoot = 'NOT RUN: it needs real lab hosts, and these need root'

export interface LabHosts {
  settings: LabSettings
  inventory: Inventory
  connect(host: Host): Promise<Connection>
}

/** A lab's name that no other test file has, in no other checkout on this machine. */
export function testLabName(name: string): string {
  return createHash('sha256')
    .update(`${import.meta.dirname} ${name}`)
    .digest('hex')
    .slice(0, 6)
}

/**
 * A lab of a test file's own, with a name that no other has: made before the file's first test and taken away after
 * its last, whatever becomes of them. `SLUICE_LAB_SUITE` and `SLUICE_LAB_SOURCES` choose another release for all of them.
 *
 * @param name one per test file
 */
export function useLab(test: TestFn, name: string, count: number): () => LabHosts {
  const { SLUICE_LAB_SUITE, SLUICE_LAB_SOURCES } = process.env
  const settings = labSettings(tmpdir(), {
    SLUICE_LAB_SUITE,
    SLUICE_LAB_SOURCES,
    SLUICE_LAB_NAME: testLabName(name),
    SLUICE_LAB_COUNT: String(count),
  })
  let lab: LabHosts | undefined
  test.before(async (t) => {
    t.timeout(600_000)
    await takeDown(settings, () => {})
    await bringUp(settings, count, () => {})
    const keys = hostKeys({ knownHostsFile: join(settings.directory, 'known_hosts'), acceptNew: false })
    lab = {
      settings,
      inventory: await labInventory(settings),
      connect: (host) => connect(host, { hostKeys: keys, timeoutMs: 10_000 }),
    }
  })
  test.after.always(async (t) => {
    t.timeout(600_000)
    await takeDown(settings, () => {})
  })
  return () => {
    if (lab === undefined) throw new TypeError('the lab is there only while tests run')
    return lab
  }
}

/** A connection to the first host of a lab. */
export function connectFirst({ inventory: { hosts }, connect }: LabHosts): Promise<Connection> {
  const [host] = hosts
  if (host === undefined) throw new TypeError('the lab has a host')
  return connect(host)
}

/** Runs one script as root on a host; its output, without the last line end. */
export async function ask(connection: Connection, script: Script): Promise<string> {
  const [outcome] = await runBatch(connection, [script], { stopOnFailure: false, timeoutSeconds: () => 120 })
  if (outcome?.exitCode !== 0) throw new Error(`exit code ${outcome?.exitCode}: ${outcome?.stderr}`)
  return outcome.stdout.replace(/\n$/, '')
}

/** Everything that a resource could leave behind: files with modes, owners and contents, accounts, packages, units, settings. */
export async function fingerprint(connection: Connection): Promise<string> {
  const found = await ask(
    connection,
    sh`
      find $(ls -d /run/sluice 2>/dev/null) /etc /home /opt /root /srv /tmp /usr/local /var/lib /var/tmp -xdev \\( -path /var/lib/apt -o -path /var/lib/dpkg -o -path /var/lib/systemd -o -path /etc/.pwd.lock -o -name 'systemd-private-*' \\) -prune -o -printf '%p %y %m %u %g %l ' \\( -type f -exec sha256sum {} \\; -o -printf '\\n' \\) | sort
      dpkg-query --show --showformat='\${Package} \${db:Status-Status}\\n'
      systemctl list-unit-files --no-legend --no-pager
      systemctl list-units --type=service --state=running,failed --plain --no-legend --no-pager
      sysctl net.core.somaxconn net.ipv4.tcp_keepalive_time`,
  )
  return found
    .split('\n')
    .filter((line) => !others.test(line))
    .join('\n')
}

/**
 * What others leave: copies that the programs for accounts, and packages' own scripts, keep of the files that they change,
 * and a folder of the JVM that the packages of Java start while they are installed, which goes with the next boot.
 */
const others = /^\/(etc\/(passwd|group|shadow|gshadow)-|var\/lib\/ucf\/hashfile\.\d|tmp\/hsperfdata_root) /

/** The lines in which two fingerprints differ: those that went with `-`, those that came with `+`. */
export function differences(before: string, after: string): string[] {
  const [former, latter] = [before.split('\n'), after.split('\n')]
  const [were, are] = [new Set(former), new Set(latter)]
  return [
    ...former.filter((line) => !are.has(line)).map((line) => `- ${line}`),
    ...latter.filter((line) => !were.has(line)).map((line) => `+ ${line}`),
  ]
}
