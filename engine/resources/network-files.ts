import type { Guard } from '../resource.ts'
import { sh } from '../shell.ts'

/** Networks are made a moment after the command that asks for them has ended. */
const settleSeconds = 3

/** A restart would leave the addresses that are wrong beside those that are right. */
const takeUpByNetworkd = sh`
systemctl reset-failed systemd-networkd.service
systemctl start systemd-networkd.service
networkctl reload
networkctl reconfigure $(networkctl --no-legend list | awk '$NF != "unmanaged" { print $2 }')`

/** Taken back, a file counts for nothing before what has read it reads it again. */
const restores = [
  {
    owns: (path: string) =>
      path.startsWith('/etc/systemd/network/') || /^\/etc\/systemd\/networkd\.conf(\.d\/|$)/.test(path),
    restore: sh`
if [ "$cause" != boot ] && systemctl is-enabled --quiet systemd-networkd.service; then
  ${takeUpByNetworkd}
fi`,
  },
  {
    owns: (path: string) => path.startsWith('/etc/netplan/'),
    // Early in a start, before these files were back, netplan has made others of them.
    restore: sh`
netplan generate
if [ "$cause" != boot ]; then
  netplan apply || { ${takeUpByNetworkd}
  }
fi`,
  },
  {
    owns: (path: string) => /^\/etc\/network\/interfaces(\.d\/|$)/.test(path),
    restore: sh`[ "$cause" = boot ] || systemctl restart networking.service`,
  },
]

/** How a host takes back a file that says how it is reached, and what was made of it. */
export function networkGuard(path: string): Guard | undefined {
  const found = restores.find(({ owns }) => owns(path))
  return found && { paths: [path], restore: found.restore, settleSeconds }
}
