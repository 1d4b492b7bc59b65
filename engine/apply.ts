import { type Outcome, runBatch } from './batch.ts'
import { asSluiceError, SluiceError } from './errors.ts'
import type { HostLock } from './host-lock.ts'
import { likelyRemedy } from './likely-remedy.ts'
import type { ControllerAccess, Step } from './resource.ts'
import type { Script } from './shell.ts'
import type { Connection } from './transport/connection.ts'

const stepTimeoutSeconds = 600

export interface ScriptsOptions {
  signal: AbortSignal | undefined
  /** Taken or kept in the same round trip, before anything else. */
  lock: HostLock | undefined
  /** Says what is worth knowing of a former holder of the lock. */
  onNotice?(message: string): void
  /** Called as each begins and ends, in order. */
  onStart?(index: number): void
  onEnd?(index: number, succeeded: boolean): void
}

/** What did not do what it is for; those after it were not begun. */
export interface ScriptFailure {
  /** Which of the scripts it was; none of them, when the lock was not to be had. */
  index: number | undefined
  error: SluiceError
}

/**
 * Runs the scripts among these steps in one round trip, until one fails.
 *
 * @returns `moved` when none was run, for another run has changed the host since it was read
 */
export async function runScripts(
  connection: Connection,
  steps: readonly Step[],
  { signal, lock, onNotice, onStart, onEnd }: ScriptsOptions,
): Promise<ScriptFailure | 'moved' | undefined> {
  const first = lock === undefined ? [] : [lock.script(connection)]
  const scripts = steps.filter((step) => step.kind === 'script')
  let current: number | undefined
  let moved = false
  let error: SluiceError | undefined
  const judgeLock = (outcome: Outcome) => {
    try {
      const judged = lock?.judge(connection, outcome)
      moved = judged?.moved ?? false
      if (judged?.notice !== undefined) onNotice?.(judged.notice)
    } catch (thrown) {
      error = asSluiceError(thrown)
    }
  }
  try {
    await runBatch(connection, [...first, ...scripts.map(({ script }) => script)], {
      stopOnFailure: true,
      keepShell: true,
      timeoutSeconds: (index) => scripts[index - first.length]?.timeoutSeconds ?? stepTimeoutSeconds,
      signal,
      onStart: (index) => {
        if (index < first.length) return
        current = index - first.length
        onStart?.(current)
      },
      onEnd: (index, outcome) => {
        if (index < first.length) return judgeLock(outcome)
        onEnd?.(index - first.length, outcome.exitCode === 0)
        const script = scripts[index - first.length]?.script
        if (outcome.exitCode !== 0 && script !== undefined) error = stepFailed(script, outcome)
      },
    })
  } catch (thrown) {
    if (!(thrown instanceof SluiceError)) throw thrown
    error = thrown
  }
  if (moved) return 'moved'
  return error && { index: current, error }
}

/** Carries out a step that is no script. */
export async function act(step: Exclude<Step, { kind: 'script' }>, access: ControllerAccess): Promise<void> {
  if (step.kind === 'controller') {
    await step.act(access).catch((error: unknown) => {
      // A driver's own error says what went wrong, but not where.
      throw error instanceof SluiceError ? error : failedWith(step.summary, error)
    })
    return
  }
  const total = Math.max(1, step.sizeBytes)
  let shown = -1
  const onProgress = (sent: number) => {
    const percent = Math.floor((sent / total) * 100)
    if (percent < shown + 5 && percent < 100) return
    shown = percent
    access.progress(`${step.summary}: ${percent} %`)
  }
  const { stallSeconds } = step
  await access.connection.upload(step.localPath, step.remotePath, {
    onProgress,
    ...(stallSeconds !== undefined && { stallSeconds }),
  })
}

function stepFailed(script: Script, { exitCode, stdout, stderr }: Outcome): SluiceError {
  const said = (stderr.trim() === '' ? stdout : stderr).trim().split('\n').slice(-20).join('\n')
  return new SluiceError('STEP_FAILED', {
    subject: `${abridged(script.shown)} ended with exit code ${exitCode}`,
    why: said === '' ? 'it said nothing' : said,
    advice: `${likelyRemedy(said) ?? 'correct what it names'}, then run again: what was applied before is kept`,
  })
}

function failedWith(summary: string, cause: unknown): SluiceError {
  return new SluiceError('STEP_FAILED', {
    subject: `this failed: ${summary}`,
    why: cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause),
    advice: 'correct what it names, then run again: what was applied before is kept',
    cause,
  })
}

/** Enough of a script to know which one it was. */
function abridged(shown: string): string {
  const [first = '', ...rest] = shown.split('\n').filter((line) => line.trim() !== '')
  return rest.length === 0 ? first : `${first.trim()} …`
}
