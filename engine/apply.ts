import { type Outcome, runBatch } from './batch.ts'
import { SluiceError } from './errors.ts'
import { likelyRemedy } from './likely-remedy.ts'
import type { ControllerAccess, Step } from './resource.ts'
import type { Script } from './shell.ts'
import type { Connection } from './transport/connection.ts'

const stepTimeoutSeconds = 600

export interface ScriptsOptions {
  signal: AbortSignal | undefined
  /** Called as each begins and ends, in order. */
  onStart?(index: number): void
  onEnd?(index: number, succeeded: boolean): void
}

/** The first script that did not do what it is for; those after it were not begun. */
export interface ScriptFailure {
  index: number
  error: SluiceError
}

/** Runs the scripts among these steps in one round trip, until one fails. */
export async function runScripts(
  connection: Connection,
  steps: readonly Step[],
  { signal, onStart, onEnd }: ScriptsOptions,
): Promise<ScriptFailure | undefined> {
  const scripts = steps.filter((step) => step.kind === 'script')
  let current = 0
  let error: SluiceError | undefined
  try {
    await runBatch(
      connection,
      scripts.map(({ script }) => script),
      {
        stopOnFailure: true,
        timeoutSeconds: (index) => scripts[index]?.timeoutSeconds ?? stepTimeoutSeconds,
        signal,
        onStart: (index) => {
          current = index
          onStart?.(index)
        },
        onEnd: (index, outcome) => {
          onEnd?.(index, outcome.exitCode === 0)
          const script = scripts[index]?.script
          if (outcome.exitCode !== 0 && script !== undefined) error = stepFailed(script, outcome)
        },
      },
    )
  } catch (thrown) {
    if (!(thrown instanceof SluiceError)) throw thrown
    error = thrown
  }
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
  await access.connection.upload(step.localPath, step.remotePath, (sent) => {
    const percent = Math.floor((sent / total) * 100)
    if (percent < shown + 5 && percent < 100) return
    shown = percent
    access.progress(`${step.summary}: ${percent} %`)
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
