import { randomBytes } from 'node:crypto'
import { asRoot, judgeRefusal } from './become.ts'
import { SluiceError } from './errors.ts'
import { RootShell } from './root-shell.ts'
import { quote, type Script } from './shell.ts'
import type { Connection } from './transport/connection.ts'

/** What one entry of a batch did. */
export interface Outcome {
  exitCode: number
  stdout: string
  stderr: string
}

export interface BatchOptions {
  /** Whether an entry that fails ends the batch (steps) or the rest still runs (probes). */
  stopOnFailure: boolean
  /** Called as each entry begins and ends, in order. */
  onStart?(index: number): void
  onEnd?(index: number, outcome: Outcome): void
  /** Seconds an entry may take, by index. When one takes longer it is stopped on the host. */
  timeoutSeconds(index: number): number
  /** The shell is kept for the next batch on the connection, which then costs one round trip less, and no other sudo. */
  keepShell?: boolean
  /** Raised from outside: the entry in hand is finished, the rest is not begun. */
  signal?: AbortSignal | undefined
}

/** How long a login shell, and sudo in it, may take until they run something. */
const startTimeoutSeconds = 120

/** Shells that wait for another batch. */
const kept = new WeakMap<Connection, RootShell>()

/**
 * Runs many pieces of shell on a host as root in one round trip, and tells their outputs apart.
 *
 * The whole is one script on the standard input of an `sh`. Each entry runs in a subshell of its own with an
 * empty standard input; before and after it, a line with a random word goes to both output streams, so that
 * whatever the login shell, sudo or an entry prints cannot be taken for something else.
 *
 * @returns one outcome an entry, in order; fewer when an entry failed under `stopOnFailure` or the signal was raised
 * @throws SluiceError BECOME_REFUSED, STEP_TIMEOUT, CONNECTION_LOST, HOST_UNREACHABLE
 */
export async function runBatch(
  connection: Connection,
  scripts: readonly Script[],
  options: BatchOptions,
): Promise<Outcome[]> {
  if (scripts.length === 0 || options.signal?.aborted) return []
  const nonce = randomBytes(12).toString('hex')
  const readers = { stdout: new FrameReader(nonce), stderr: new FrameReader(nonce) }
  const outcomes: Outcome[] = []
  const waiting = kept.get(connection)
  kept.delete(connection)
  const shell = waiting ?? new RootShell(connection)
  const all = Promise.withResolvers<undefined>()
  let begun = 0
  let timedOut: number | 'start' | undefined
  let timer: NodeJS.Timeout | undefined = setTimeout(() => {
    timedOut = 'start'
    connection.close()
  }, startTimeoutSeconds * 1000)

  const kill = () => {
    if (shell.ids === undefined) return
    const { group } = shell.ids
    besides(connection, `kill -s TERM -- -${group}; sleep 2; kill -s KILL -- -${group}`)
  }
  // The shell heeds it when the entry in hand is over. Another process may have its number by the time it arrives.
  const stop = () => {
    if (shell.ids === undefined || !options.signal?.aborted) return
    const { process, group } = shell.ids
    besides(
      connection,
      `[ "$(cut -d " " -f 5 /proc/${process}/stat 2>/dev/null)" != ${group} ] || kill -s USR1 ${process}`,
    )
  }
  // An entry is over when both streams say so; only then is the next one said to have begun.
  const advance = () => {
    for (;;) {
      const index = outcomes.length
      if (begun === index && readers.stdout.started > index) {
        begun++
        clearTimeout(timer)
        if (index === 0) {
          const [, process = '', group = ''] = /(\d+) (\d+)$/.exec(readers.stdout.preamble.trim()) ?? []
          shell.ids = { process, group }
          stop()
        }
        timer = setTimeout(() => {
          timedOut = index
          kill()
        }, options.timeoutSeconds(index) * 1000)
        options.onStart?.(index)
      }
      const [out, err] = [readers.stdout.ended[index], readers.stderr.ended[index]]
      if (begun === index || out === undefined || err === undefined) return
      clearTimeout(timer)
      const outcome = { exitCode: out.exitCode, stdout: out.text, stderr: err.text }
      outcomes.push(outcome)
      options.onEnd?.(index, outcome)
      if (outcomes.length === scripts.length && options.keepShell) all.resolve(undefined)
    }
  }

  options.signal?.addEventListener('abort', stop, { once: true })
  try {
    shell.send(batchScript(nonce, scripts, options.stopOnFailure), {
      last: !options.keepShell,
      onStdout: (text) => {
        readers.stdout.push(text)
        advance()
      },
      onStderr: (text) => {
        readers.stderr.push(text)
        advance()
      },
    })
    const exitCode = await Promise.race([shell.ended, all.promise]).catch((error: unknown) => {
      throw timedOut === 'start' ? notBegun(connection) : error
    })
    if (timedOut === 'start') throw notBegun(connection)
    if (outcomes.length === scripts.length && options.keepShell) {
      kept.set(connection, shell)
      return outcomes
    }
    if (timedOut !== undefined) throw timeout(scripts[timedOut], options.timeoutSeconds(timedOut))
    if (begun === 0 && !options.signal?.aborted) {
      // One that was kept may have been ended on the host meanwhile.
      if (waiting !== undefined) return await runBatch(connection, scripts, options)
      const refusal = judgeRefusal(connection, exitCode, readers.stderr.current)
      if (refusal === 'again') return await runBatch(connection, scripts, options)
      throw refusal
    }
    if (outcomes.length < begun) {
      throw new SluiceError('CONNECTION_LOST', {
        subject: `the shell on the host ended in the middle of a command, exit code ${exitCode ?? 'none'}`,
        why: readers.stderr.current.trim() || 'it was killed, or the host is going down',
        advice: 'see whether the host has memory left and is not rebooting, then run again',
      })
    }
    return outcomes
  } finally {
    clearTimeout(timer)
    options.signal?.removeEventListener('abort', stop)
  }
}

/** Runs a line of code as root beside whatever else runs; a connection on which not even that works is of no use. */
function besides(connection: Connection, code: string): void {
  const { command, preface } = asRoot(connection, code)
  connection
    .execute(command, { input: preface, onStdout: () => {}, onStderr: () => {}, urgent: true })
    .catch(() => connection.close())
}

function batchScript(nonce: string, scripts: readonly Script[], stopOnFailure: boolean): string {
  const entries = scripts.map(({ text }, index) => {
    const guard = stopOnFailure ? '[ -z "$_stop" ] || exit 0\n' : ''
    const after = stopOnFailure ? ' || exit 0' : ''
    return `${guard}_begin ${index}\n( set -e; eval ${quote(text)} ) </dev/null\n_end $?${after}`
  })
  return [
    'export LC_ALL=C DEBIAN_FRONTEND=noninteractive PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    'umask 022; cd /',
    "_stop=; trap '_stop=yes' USR1",
    'read -r _a _b _c _d _group _rest < /proc/self/stat; echo "$$ $_group"',
    `_begin() { printf '\\n${nonce} begin\\n'; printf '\\n${nonce} begin\\n' >&2; }`,
    `_end() { printf '\\n${nonce} end %d\\n' "$1"; printf '\\n${nonce} end %d\\n' "$1" >&2; return "$1"; }`,
    ...entries,
    '',
  ].join('\n')
}

/** Takes one output stream apart at the marker lines. */
class FrameReader {
  readonly ended: { text: string; exitCode: number }[] = []
  started = 0
  /** What came before the first entry: banners, sudo's complaints, and on stdout the process group. */
  preamble = ''
  /** What the entry in hand has printed so far. */
  current = ''
  readonly #marker: string
  #inside = false

  constructor(nonce: string) {
    this.#marker = `\n${nonce} `
  }

  push(text: string): void {
    this.current += text
    for (;;) {
      const at = this.current.indexOf(this.#marker)
      if (at < 0) return
      const lineEnd = this.current.indexOf('\n', at + this.#marker.length)
      if (lineEnd < 0) return
      const before = this.current.slice(0, at)
      const [word, exitCode] = this.current.slice(at + this.#marker.length, lineEnd).split(' ')
      this.current = this.current.slice(lineEnd + 1)
      if (word === 'begin') {
        if (this.started === 0) this.preamble = before
        this.started++
        this.#inside = true
      } else if (this.#inside) {
        this.ended.push({ text: before, exitCode: Number(exitCode) })
        this.#inside = false
      }
    }
  }
}

function notBegun(connection: Connection): SluiceError {
  const { user, address } = connection.host
  return new SluiceError('HOST_UNREACHABLE', {
    subject: `the login shell of ${user} ran nothing within ${startTimeoutSeconds} s`,
    why: 'its profile, PAM or sudo waits for something',
    advice: `log in by hand and see what it waits for: ssh ${user}@${address} sudo true`,
  })
}

function timeout(script: Script | undefined, seconds: number): SluiceError {
  return new SluiceError('STEP_TIMEOUT', {
    subject: `the command did not end within ${seconds} s and was stopped on the host`,
    why: script?.shown ?? '',
    advice: 'see on the host what it waits for, then run again: what is done is kept',
  })
}
