import { hostGroups, supervisorGroups } from './cgroup.ts'
import { onController } from './controller.ts'
import { hostPaths } from './names.ts'
import { nspawnCommand } from './nspawn.ts'
import type { LabSettings } from './settings.ts'

/**
 * Enters a cgroup and then starts what watches over a host, in a session of its own. Supervisor and host are known by
 * their cgroups, so no recycled process id is ever taken for one of them, and they are known from the first moment.
 */
const launch = `
for group in $1; do echo $$ > "$group/cgroup.procs"; done
shift
exec setsid --fork env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin sh -c "$@"
`

/**
 * Runs a host for as long as it lives: again after a reboot (nspawn ends with 133), and no more after a halt.
 * A signal that interrupts `wait` leaves the child running, hence the inner loop.
 */
const supervise = `
cd /
groups=$1
shift
stopping= child=
trap 'stopping=1; [ -z "$child" ] || kill -TERM "$child"' TERM INT HUP
while [ -z "$stopping" ]; do
  sh -c 'for group in $1; do echo $$ > "$group/cgroup.procs"; done; shift; exec "$@"' host "$groups" "$@" &
  child=$!
  [ -z "$stopping" ] || kill -TERM "$child"
  while wait "$child"; code=$?; kill -0 "$child" 2> /dev/null; do :; done
  child=
  [ "$code" -eq 133 ] || exit "$code"
done
`

/** Starts a host and what watches over it, in a session of their own that outlives this process. */
export async function startSupervisor(settings: LabSettings, host: string): Promise<void> {
  const own = supervisorGroups(settings, host).join(' ')
  const its = hostGroups(settings, host).join(' ')
  const command = nspawnCommand(settings, host)
  const log = hostPaths(settings, host).console
  await onController()`sh -c ${launch} launch ${own} ${supervise} sluice-lab ${its} ${command} > ${log} 2>&1 < /dev/null`
}
