import * as v from 'valibot'
import { SluiceError } from '../engine/errors.ts'
import type { Facts } from '../engine/facts.ts'
import type { Host } from '../engine/inventory.ts'
import { group, user } from '../engine/resources/account.ts'
import { aptPackage } from '../engine/resources/apt-package.ts'
import { directory } from '../engine/resources/directory.ts'
import { file } from '../engine/resources/file.ts'
import { sysctl } from '../engine/resources/sysctl.ts'
import { systemdUnit } from '../engine/resources/systemd-unit.ts'
import { defineRole } from '../engine/role.ts'
import { account, configurationDirectory, releaseRoot } from './layout.ts'

const journalLimits = '/etc/systemd/journald.conf.d/50-sluice.conf'

/** What every host has: the account, time, a journal that cannot fill the disk, room for connections. */
export const base = defineRole({
  name: 'base',
  description: 'the account 10001, time synchronisation, limits of the journal, kernel settings',
  params: v.strictObject({
    journalMaxMb: v.pipe(
      v.optional(v.pipe(v.number(), v.integer(), v.minValue(16)), 512),
      v.description('megabytes of disk that the journal may use'),
    ),
  }),
  require: (_, { facts, host }) => refuseOtherReleases(facts, host),
  resources: ({ journalMaxMb }, { facts, host }) => [
    group({ name: account.name, gid: account.id }),
    user({ name: account.name, uid: account.id, group: account.name }),
    directory({ path: releaseRoot }),
    directory({ path: configurationDirectory }),

    // A container has the clock of its machine and may not set it; chrony and ntpd cannot be beside systemd's.
    ...(facts.container || facts.timeDaemon !== undefined
      ? []
      : [
          aptPackage({ name: 'systemd-timesyncd' }),
          systemdUnit({ unit: 'systemd-timesyncd.service', enabled: true, state: 'running' }),
        ]),

    directory({ path: '/etc/systemd/journald.conf.d' }),
    file({
      path: journalLimits,
      content: `[Journal]\nSystemMaxUse=${journalMaxMb}M\nRateLimitBurst=20000\n`,
    }),
    systemdUnit({ unit: 'systemd-journald.service', state: 'running', loads: [journalLimits] }),

    sysctl({ key: 'net.core.somaxconn', value: 4096 }),
    sysctl({ key: 'net.ipv4.tcp_keepalive_time', value: 120 }),
    ...(host.groups.some((name) => name === 'kafka' || name === 'mongodb') ? storageSettings : []),
  ],
})

/** Others have other packages and defaults: it would go wrong half-way, with sshd and the firewall changed. */
function refuseOtherReleases({ distribution, release }: Facts, host: Host): void {
  if (releases[distribution]?.includes(release)) return
  throw new SluiceError('HOST_UNSUPPORTED', {
    subject:
      `the system should be Debian 12, Ubuntu 22.04 or Ubuntu 24.04, is ${distribution} ${release}`.trim(),
    at: host.name,
    advice: 'leave this host out with --limit',
  })
}

const releases: Record<string, string[]> = { debian: ['12'], ubuntu: ['22.04', '24.04'] }

/**
 * Apache's and MongoDB's notes for production agree on these; Kafka maps two areas a log segment. On vm.dirty_ratio they do
 * not (80 and 15), and the kernel's own 20 keeps hosts of a few GB from writing so much at once that all wait for it.
 */
const storageSettings = [
  sysctl({ key: 'vm.swappiness', value: 1 }),
  sysctl({ key: 'vm.max_map_count', value: 262_144 }),
  sysctl({ key: 'vm.dirty_background_ratio', value: 5 }),
]
