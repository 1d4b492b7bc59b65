import { described, type Script, sh } from './shell.ts'

/** A run, as it is named to others that want to change the same host. */
export interface LockOwner {
  /** Unique. */
  run: string
  /** user@controller */
  who: string
  what: string
}

/** In memory: a restart of the host ends every run there, and with it every lock. */
const directory = '/run/sluice-lock'
/** Held only while the others are read and written. */
const mutex = `${directory}/mutex`
/** Who holds the lock, a line each: run, process, its start, since when, who, what. */
const holder = `${directory}/holder`
/** The run that took the lock last, so that another one sees whether the host has been changed since it looked. */
const last = `${directory}/last`
/** The sessions in which the holder's commands ran. */
const sessions = `${directory}/sessions`

/** What `takeScript` ends with when the run may not go on. */
export const lockedExitCode = 75
export const movedExitCode = 76

/**
 * A lock is held by the process of sshd that carries the holder's connection: it is gone as soon as the controller or the
 * way to it is, so that nobody has to keep a lock fresh. A process is told from a later one of its number by its start.
 */
const functions = sh`
start_of() { read -r stat 2>/dev/null < "/proc/$1/stat" || return 0; set -- \${stat##*) }; echo "\${20}"; }
session_of() { read -r stat 2>/dev/null < "/proc/$1/stat" || return 0; set -- \${stat##*) }; echo "$4"; }
read_holder() { { read -r run; read -r process; read -r start; read -r since; read -r who; read -r what; } < ${holder}; }
holds() { [ -n "$start" ] && [ "$(start_of "$process")" = "$start" ]; }
say_holder() { printf '%s\\n' "$run" "$since" "$(date +%s)" "$who" "$what"; }
`

/** Tells the last run that changed the host, and who is at it now. It costs nothing where there was none since the start. */
export const lockStateScript: Script = sh`
if [ -e ${last} ]; then read -r run < ${last}; echo "last $run"; fi
if [ -e ${holder} ]; then
  ${functions}
  read_holder
  if holds; then echo held; say_holder; fi
fi`

/**
 * Takes the lock for the run of `owner`, or takes it along to another connection.
 *
 * @param seen the run that had taken it last when the host was read
 */
export function takeScript({ run, who, what }: LockOwner, seen: string | undefined): Script {
  return described(
    'take the lock of the host',
    sh`
umask 077
mkdir -p ${directory}
exec 9> ${mutex}
flock 9
${functions}
since=$(date +%s)
if [ -e ${holder} ]; then
  mine=$since
  read_holder
  if [ "$run" = ${run} ]; then mine=$since
  elif holds; then echo held; say_holder; exit ${lockedExitCode}
  else echo stale; say_holder; fi
  since=$mine
fi
before=
if [ -e ${last} ]; then read -r before < ${last}; fi
process=$$ carrier=$PPID
while [ "$process" -gt 1 ]; do
  read -r stat < "/proc/$process/stat"
  set -- \${stat##*) }
  process=$2
  [ "$process" -gt 1 ] || break
  read -r name < "/proc/$process/comm"
  case $name in sshd*) carrier=$process; break ;; esac
done
printf '%s\\n' ${run} "$carrier" "$(start_of "$carrier")" "$since" ${who} ${what} > ${`${holder}.new`}
mv -- ${`${holder}.new`} ${holder}
echo ${run} > ${last}
if [ "$before" != ${run} ]; then session_of $$ > ${sessions}; else session_of $$ >> ${sessions}; fi
case $before in ${seen ?? ''}|${run}) ;; *) exit ${movedExitCode} ;; esac`,
  )
}

/** Makes sure that the lock is still this run's, and notes in which session it works. Starts no process. */
export function keepScript({ run: ours }: LockOwner): Script {
  return described(
    'keep the lock of the host',
    sh`
run=
if [ -e ${holder} ]; then read -r run < ${holder}; fi
[ "$run" = ${ours} ] || exit ${movedExitCode}
read -r stat < "/proc/$$/stat"
set -- \${stat##*) }
echo "$4" >> ${sessions}`,
  )
}

/** Gives the lock back, if it is this run's. */
export function releaseScript({ run: ours }: LockOwner): Script {
  return described(
    'give back the lock of the host',
    sh`
exec 9> ${mutex}
flock 9
run=
if [ -e ${holder} ]; then read -r run < ${holder}; fi
[ "$run" != ${ours} ] || rm -f -- ${holder}`,
  )
}

/**
 * Waits until nothing runs any more that this run began by another connection, and then ends it: two of its commands at
 * once could meet. Sessions that a restart has ended are no longer known.
 */
export function settleSessionsScript({ run: ours }: LockOwner, seconds: number): Script {
  return described(
    'wait for what the lost connection had begun',
    sh`
${functions}
run=
if [ -e ${holder} ]; then read -r run < ${holder}; fi
[ "$run" = ${ours} ] && [ -e ${sessions} ] || exit 0
own=$(session_of $$)
former=" $(sort -u ${sessions} | tr '\\n' ' ') "
left() {
  for entry in /proc/[0-9]*; do
    of=$(session_of "\${entry#/proc/}")
    case $former in *" \${of:-none} "*) [ "$of" = "$own" ] || echo "\${entry#/proc/}" ;; esac
  done
}
tries=${seconds}
while [ -n "$(left)" ] && [ "$tries" -gt 0 ]; do sleep 1; tries=$((tries - 1)); done
for signal in TERM KILL; do
  processes=$(left)
  [ -n "$processes" ] || break
  echo "ended $processes" | tr '\\n' ' '
  kill -s $signal $processes 2>/dev/null || :
  sleep 2
done`,
  )
}
