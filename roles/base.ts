import * as v from 'valibot'
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
  resources: ({ journalMaxMb }, { facts, host }) => [
    group({ name: account.name, gid: account.id }),
    user({ name: account.name, uid: account.id, group: account.name }),
    directory({ path: releaseRoot }),
    directory({ path: configurationDirectory }),

    // A container has the clock of its machine and may not set it.
    ...(facts.container
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

/** Apache's and MongoDB's notes for production agree on these; Kafka maps two areas a log segment. */
const storageSettings = [
  sysctl({ key: 'vm.swappiness', value: 1 }),
  sysctl({ key: 'vm.max_map_count', value: 262_144 }),
  sysctl({ key: 'vm.dirty_background_ratio', value: 5 }),
]
