import { SluiceError } from './errors.ts'
import { quote } from './shell.ts'
import type { Connection } from './transport/connection.ts'

/** How a login user's shell is told to run something as root. */
export interface RootShell {
  command: string
  /** Comes first on standard input, before what the code itself reads. */
  preface: string
}

/**
 * The command line that runs `code` in a root shell; the quoting holds in any login shell, so `code` is one line without
 * single quotes. sudo clears the environment, so both ends of the connection, which sshd put there, go along as an
 * argument. Who logged in, and by which keys of both sides, is told beside them: what would no longer let them in is to
 * be seen there.
 */
export function asRoot(connection: Connection, code: string): RootShell {
  const { host, becomePassword, offeredKeys = [], knownKeyTypes = [] } = connection
  const login = `SLUICE_USER=${inDoubleQuotes(host.user)} SLUICE_KEYS=${inOneWord(offeredKeys)} SLUICE_HOST_KEYS=${inOneWord(knownKeyTypes)}`
  const inner = `SLUICE_CLIENT=\${1%% *} SLUICE_SSH_PORT=\${1##* } ${login}; export SLUICE_CLIENT SLUICE_SSH_PORT SLUICE_USER SLUICE_KEYS SLUICE_HOST_KEYS; ${code}`
  if (host.user === 'root') {
    return { command: `exec sh -c '${inner}' sh "$SSH_CONNECTION"`, preface: '' }
  }
  const preface = becomePassword === undefined ? '' : `${becomePassword.reveal()}\n`
  const become = becomePassword === undefined ? withoutPassword : withPassword
  const whole = becomePassword === undefined ? inner : `exec <"$2"; ${inner}`
  const words = `sh ${quote(whole)} "$SSH_CONNECTION"`
  if (needsTerminal.has(connection)) {
    return { command: `exec sh -c ${quote(inTerminal)} ${words} ${quote(become)}`, preface }
  }
  return { command: `exec sh -c ${quote(become)} ${words}`, preface }
}

/** A name may come from a directory, or from a configuration of ssh: then it can contain anything. */
const inDoubleQuotes = (name: string) => `"${name.replace(/[\\"$`]/g, '\\$&')}"`

/** What is no fingerprint and no type of a key, in a record that somebody wrote, goes no further. */
const inOneWord = (names: readonly string[]) =>
  `"${names.filter((name) => /^[a-zA-Z0-9@.:+/-]+$/.test(name)).join(' ')}"`

/**
 * Judges that a root shell did not come about, by what sudo said.
 *
 * @returns `again` where another way is known now, and the error otherwise
 */
export function judgeRefusal(
  connection: Connection,
  exitCode: number | undefined,
  stderr: string,
): 'again' | SluiceError {
  const { host, becomePassword } = connection
  if (host.user !== 'root' && !needsTerminal.has(connection) && /must have a tty/.test(stderr)) {
    needsTerminal.add(connection)
    return 'again'
  }
  const why = stderr.trim().split('\n').slice(-20).join('\n')
  if (host.user === 'root') {
    return new SluiceError('CONNECTION_LOST', {
      subject: `the login shell ended before it ran anything, exit code ${exitCode ?? 'none'}`,
      why,
      advice: `log in by hand as root and see what its shell says`,
    })
  }
  return new SluiceError('BECOME_REFUSED', {
    why,
    ...refusal(host.user, becomePassword !== undefined, stderr),
  })
}

/** Hosts whose sudo only works in a terminal (`requiretty`). */
const needsTerminal = new WeakSet<Connection>()

/** `$1` is the code, `$2` goes along with it. */
const withoutPassword = 'LC_ALL=C; export LC_ALL; exec sudo -n -- sh -c "$1" sh "$2"'

/**
 * sudo gets the password, the first line, and then the end of its input: a wrong one is tried once, and nothing else can
 * be taken for a second one. The rest of the input reaches the root shell through a pipe in a private directory. The
 * feeder is killed outright: a child of dash that is signalled before it has dropped its parent's traps does not heed it,
 * and would hold the session open for good.
 */
const withPassword = [
  'LC_ALL=C',
  'export LC_ALL',
  'IFS= read -r password',
  'way=$(mktemp -d) || exit',
  'trap "exit 143" HUP TERM',
  'trap "rm -rf \\"$way\\"" EXIT',
  'mkfifo "$way/input" || exit',
  'exec 3<&0',
  '{ exec cat <&3 >"$way/input"; } & feeder=$!',
  'printf "%s\\n" "$password" | sudo -S -p "" -- sh -c "$1" sh "$2" "$way/input"',
  'code=$?',
  'kill -s KILL "$feeder" 2>/dev/null',
  'exit "$code"',
].join('; ')

/** Runs `$3` as above with a terminal that nothing goes through: input and outputs stay what they are. */
const inTerminal = [
  'SHELL=/bin/sh SLUICE_CODE=$1 SLUICE_ENDS=$2 SLUICE_BECOME=$3',
  'export SHELL SLUICE_CODE SLUICE_ENDS SLUICE_BECOME',
  'exec 3<&0 4>&1 5>&2',
  `exec script -qec 'exec <&3 >&4 2>&5 3<&- 4>&- 5>&-; exec sh -c "$SLUICE_BECOME" sh "$SLUICE_CODE" "$SLUICE_ENDS"' /dev/null </dev/null >/dev/null`,
].join('; ')

function refusal(user: string, withPassword: boolean, stderr: string): { subject: string; advice: string } {
  if (/not in the sudoers file|not allowed to (execute|run)/.test(stderr)) {
    return {
      subject: `${user} may not use sudo on this host`,
      advice: `let ${user} use sudo, or connect as another user; nothing was changed on this host`,
    }
  }
  if (withPassword && /incorrect password|no password was provided|try again/.test(stderr)) {
    return {
      subject: `sudo does not take the password for ${user}`,
      advice: 'it was tried once, so that no account is locked: run again and type it anew',
    }
  }
  if (withPassword) {
    return {
      subject: `${user} did not become root by sudo`,
      advice: `log in by hand as ${user} and see what sudo says; nothing was changed on this host`,
    }
  }
  return {
    subject: `${user} may not become root by sudo without a password`,
    advice: `run with --ask-become-pass, let ${user} use sudo without a password, or connect as root; nothing was changed on this host`,
  }
}
