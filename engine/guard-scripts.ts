import { dirname } from 'node:path'
import type { Guard } from './resource.ts'
import { described, lines, type Script, sh, write } from './shell.ts'

/** Where a host keeps what it needs to take an unconfirmed change back. On disk, so that a reboot does not lose it. */
const guardDirectory = '/var/lib/sluice/guard'
const recordDirectory = '/var/lib/sluice/guard-records'
const bootUnit = '/etc/systemd/system/sluice-guard.service'
const bootLink = '/etc/systemd/system/multi-user.target.wants/sluice-guard.service'

export interface ArmedGuard {
  id: string
  /** The resource that is changed. */
  name: string
  seconds: number
}

/** A guard of an earlier run: one that the host has acted on, or one that nobody has confirmed yet. */
export type LeftGuard =
  | { state: 'healed'; id: string; name: string; cause: string; at: string }
  | { state: 'pending'; id: string; name: string }

const directoryOf = (id: string) => `${guardDirectory}/${id}`

/** Runs before network, firewall and sshd start, so that they start with the former files. */
const bootUnitContent = `[Unit]
Description=Takes back changes of access that nobody confirmed
DefaultDependencies=no
After=local-fs.target
Before=systemd-networkd.service networking.service ufw.service ssh.service ssh.socket

[Service]
Type=oneshot
ExecStart=/bin/sh -c 'for script in ${guardDirectory}/*/restor*; do if [ -e "$script" ]; then /bin/sh "$script" boot; fi; done'

[Install]
WantedBy=multi-user.target
`

/** Takes the boot unit away with the last guard. */
const disbandBootUnit = sh`
if ! ls -d ${{ text: `${guardDirectory}/*/restor*`, shown: guardDirectory }} >/dev/null 2>&1; then
  rm -f -- ${bootLink} ${bootUnit}
  rmdir --ignore-fail-on-non-empty ${guardDirectory} 2>/dev/null || :
fi`

/**
 * The script that takes the change back. Whoever renames it first decides: the one who confirms or the one who
 * restores, never both. A restore that a power cut interrupts is done again at boot.
 */
function restoreScript({ id, name, seconds }: ArmedGuard, { paths, restore }: Guard): string {
  const directory = directoryOf(id)
  const putBack = paths.map((path) => {
    const kept = `${directory}/files${path}`
    const staged = `${path}.sluice-restored`
    return sh`
if [ -e ${kept} ]; then cp --archive -- ${kept} ${staged} && mv --no-target-directory -- ${staged} ${path}
else rm -f -- ${path}
fi`
  })
  return sh`#!/bin/sh
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
cause=$1
cd ${directory} || exit 0
# Who makes the change has said since then that it is under way: the time begins with that.
while [ "$cause" = timer ] && [ -e renewed ]; do
  left=$(($(cat renewed) + ${seconds} - $(cut -d. -f1 /proc/uptime)))
  [ "$left" -gt 0 ] || break
  sleep "$left"
done
mv restore restoring 2>/dev/null || [ "$cause" = boot ] || exit 0
${lines(putBack)}
( ${restore} )
mkdir -p ${recordDirectory}
printf '%s %s %s\\n' "$(date +%s)" "$cause" ${name} > ${`${recordDirectory}/${id}`}
rm -rf -- ${directory}
${disbandBootUnit}
`.text
}

/** Keeps the files, and sets the timer. After this the host is safe whatever becomes of the controller. */
export function armScript(armed: ArmedGuard, guard: Guard): Script {
  const directory = directoryOf(armed.id)
  const keep = guard.paths.map(
    (path) => sh`
if [ -e ${path} ]; then mkdir -p -- ${`${directory}/files${dirname(path)}`}; cp --archive -- ${path} ${`${directory}/files${path}`}; fi`,
  )
  return described(
    `guard ${armed.name} for ${armed.seconds} s`,
    sh`
mkdir -p -- ${dirname(guardDirectory)}
umask 077
mkdir -p -- ${directory}
${lines(keep)}
printf '%s\n' ${armed.name} > ${`${directory}/name`}
${write(bootUnit, bootUnitContent)}
chmod 0644 ${bootUnit}
mkdir -p -- ${dirname(bootLink)}
ln -sfn -- ${bootUnit} ${bootLink}
${write(`${directory}/restore.new`, restoreScript(armed, guard))}
mv -- ${`${directory}/restore.new`} ${`${directory}/restore`}
sync --file-system ${directory} ${dirname(bootUnit)}
# Without the accuracy a timer fires up to a minute late.
systemd-run --quiet --collect --unit=${`sluice-guard-${armed.id}`} --on-active=${armed.seconds} --timer-property=AccuracySec=100ms /bin/sh ${`${directory}/restore`} timer`,
  )
}

/** Starts the time anew, while a change is under way that takes long; nothing when the host has decided already. */
export function renewScript({ id }: Pick<ArmedGuard, 'id'>): Script {
  const directory = directoryOf(id)
  return described(
    'say that the change is under way',
    sh`
if [ -e ${`${directory}/restore`} ]; then
  cut -d. -f1 /proc/uptime > ${`${directory}/renewed.new`}
  mv -- ${`${directory}/renewed.new`} ${`${directory}/renewed`}
fi`,
  )
}

/** Ends with 0 when this confirmed the change, with 7 when the host has decided otherwise already. */
export function confirmScript({ id }: Pick<ArmedGuard, 'id'>): Script {
  return described(
    'confirm the change',
    sh`
mv -- ${`${directoryOf(id)}/restore`} ${`${directoryOf(id)}/confirmed`} 2>/dev/null || exit 7
systemctl stop ${`sluice-guard-${id}.timer`} 2>/dev/null || :
systemctl stop ${`sluice-guard-${id}.service`} 2>/dev/null || :
# A renewal that is under way may put its file there between.
rm -rf -- ${directoryOf(id)} || rm -rf -- ${directoryOf(id)}
${disbandBootUnit}`,
  )
}

/** Why a host took a change back: what it told itself, or what the run told it. */
export type HealCause = 'timer' | 'boot' | 'failed' | 'stopped' | 'unproven' | 'left'

/** Takes the change back now. In a unit of its own, which outlives the connection that asked for it. */
export function takeBackScript(
  { id }: Pick<ArmedGuard, 'id'>,
  cause: Exclude<HealCause, 'timer' | 'boot'>,
): Script {
  return described(
    'take the change back',
    sh`
[ ! -e ${`${directoryOf(id)}/restore`} ] || systemd-run --quiet --collect --wait /bin/sh ${`${directoryOf(id)}/restore`} ${cause}
systemctl stop ${`sluice-guard-${id}.timer`} 2>/dev/null || :`,
  )
}

/** Says whether the host has taken the change back, and forgets it: it is being told. */
export function healedScript({ id }: Pick<ArmedGuard, 'id'>): Script {
  return sh`
if [ -e ${`${recordDirectory}/${id}`} ]; then echo healed; rm -f -- ${`${recordDirectory}/${id}`}; rmdir --ignore-fail-on-non-empty ${recordDirectory}
elif [ -e ${directoryOf(id)} ]; then echo pending
else echo unknown
fi`
}

/** Tells the guards of earlier runs, a line each. */
export const leftGuardsScript: Script = sh`
for record in ${recordDirectory}/*; do
  if [ -e "$record" ]; then printf 'healed %s %s' "\${record##*/}" "$(cat "$record")"; echo; fi
done
for directory in ${guardDirectory}/*; do
  if [ -e "$directory/restore" ]; then echo "pending \${directory##*/} $(cat "$directory/name")"; fi
done`

export function parseLeftGuards(output: string): LeftGuard[] {
  return output
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [state, id = '', ...rest] = line.split(' ')
      if (state === 'pending') return { state, id, name: rest.join(' ') }
      const [epoch, cause = '', ...name] = rest
      const at = new Date(Number(epoch) * 1000).toISOString()
      return { state: 'healed', id, at, cause, name: name.join(' ') }
    })
}
