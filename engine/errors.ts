import { getSystemErrorMessage } from 'node:util'
import { masked } from './secret.ts'

/**
 * Every error that a user can meet, by code, with what it means. `docs/errors.md` lists them.
 * A programming mistake is a plain `TypeError` and never comes through here.
 */
export const errorCodes = {
  USAGE: 'the command line, a variable or the configuration file says something that Sluice does not know',
  INVENTORY_UNKNOWN: 'no inventory has that name, and no file is there',
  INVENTORY_INVALID: 'an inventory file does not have the form that is expected of it',
  HOSTS_UNKNOWN: 'a host, group or pattern names nothing in the inventory',
  VARIABLE_INVALID: 'a variable has a value that its role does not take',
  LAB_UNAVAILABLE: 'the lab cannot be made or run on this machine as it is',
  LAB_FAILED: 'a lab host did not come up as it should',
  AWS_CREDENTIALS: 'there are no credentials for AWS, or AWS does not take them',
  AWS_DENIED: 'AWS does not permit an action that is needed',
  AWS_UNAVAILABLE: 'AWS did not answer, or not as it should',
  AWS_QUOTA: 'the account may have no more of something at AWS',
  AWS_CAPACITY: 'AWS has no room for what is to be made there now',
  AWS_CONFLICT:
    'something at AWS is in the way of what is to be made: a name that is taken, or what cannot be changed',
  AWS_FOREIGN: 'something that Sluice did not make would have to be removed at AWS',
  AWS_REFUSED: 'AWS understood a request and does not do it',
  INSTANCE_MISSING: 'no instance of AWS, Multipass or Vagrant is what is looked for',
  INSTANCE_NOT_RUNNING: 'an instance of AWS, Multipass or Vagrant that is looked for does not run',
  INSTANCE_CONFLICT: 'an instance is in the way of one that is to be made, or is not as declared',
  PROGRAM_MISSING: 'a program that makes hosts is not installed on this machine',
  PROGRAM_FAILED: 'a program that makes hosts did not do what it was asked',
  RULE_UNSUPPORTED: 'a security group says something that the firewall of a host cannot say',
  HOST_UNREACHABLE: 'a host did not answer on its SSH address',
  HOST_KEY_UNKNOWN: 'a host shows a key that nothing vouches for',
  HOST_KEY_CHANGED: 'a host shows another key than the one on record',
  LOGIN_REFUSED: 'a host refused every key that was offered',
  KEY_UNUSABLE: 'there is no private key to log in with, or it cannot be read or opened',
  CONNECTION_LOST: 'a connection ended while it was needed',
  BECOME_REFUSED: 'the login user may not become root',
  HOST_UNSUPPORTED: 'a host runs a system that the roles do not know',
  PORT_TAKEN: 'something else listens on a port that a service is to have',
  PROBE_REFUSED: 'the state of a resource could not be read',
  STEP_FAILED: 'a command that changes a host ended with an error',
  STEP_TIMEOUT: 'a command on a host did not end in its time and was stopped',
  NOT_CONVERGED: 'a resource was changed and still is not as declared',
  LOCKOUT_PREVENTED: 'a change would have cut the controller off, and was not made or was taken back',
  START_UNKNOWN: 'a host does not have the resource at which the run is to begin',
  HOST_LOCKED: 'another run holds the lock of a host',
  PLAN_OUTDATED: 'a host is not any more as it was when a saved plan was made',
  ARTIFACT_UNAVAILABLE: 'no source could give an artifact',
  ARTIFACT_CHECKSUM: 'an artifact is not what its checksum says',
  OVERRULED: 'something on a host, which Sluice did not make, keeps what is declared from having effect',
  DATA_AT_RISK: 'a change would lose data, and was not made',
  PIPELINE_UNREACHABLE: 'a service of the running pipeline could not be asked',
  LETTER_UNKNOWN: 'no dead letter is what is looked for',
  VERIFY_FAILED: 'the pipeline does not do what it should',
  INTERRUPTED: 'the run was stopped from outside',
  UNEXPECTED: 'something failed in a way that Sluice has no words for: most likely a mistake in it',
} as const

export type ErrorCode = keyof typeof errorCodes

export interface ErrorDetails {
  /** What failed, as one sentence without a full stop: the rule or event, and the value that was met. */
  subject: string
  /** Where: host > role > resource, or file > path in it. */
  at?: string
  /** The cause: what was said, or the last lines that the host printed. */
  why?: string
  /** One thing to try next. */
  advice?: string
  cause?: unknown
}

/**
 * An error that a user can act on. Its message is `CODE  subject`; the rest is for `describeError`. Secrets of this
 * process in any of it, such as what a command printed, are masked.
 */
export class SluiceError extends Error {
  override readonly name = 'SluiceError'
  readonly code: ErrorCode
  readonly subject: string
  readonly at: string | undefined
  readonly why: string | undefined
  readonly advice: string | undefined

  constructor(code: ErrorCode, details: ErrorDetails) {
    const shown = (text: string | undefined) => text && masked(text)
    super(`${code}  ${masked(details.subject)}`, { cause: details.cause })
    this.code = code
    this.subject = masked(details.subject)
    this.at = shown(details.at)
    this.why = shown(details.why)
    this.advice = shown(details.advice)
  }

  /** The same error, known to have happened at `place` (host > role > resource). */
  within(place: string): SluiceError {
    return new SluiceError(this.code, {
      subject: this.subject,
      at: this.at === undefined ? place : `${place} > ${this.at}`,
      ...(this.why === undefined ? {} : { why: this.why }),
      ...(this.advice === undefined ? {} : { advice: this.advice }),
      cause: this.cause,
    })
  }
}

/** An error as its lines: code and subject, then `at`, `why` and `do`, each where there is one. */
export function describeError(error: unknown): string {
  if (!(error instanceof SluiceError)) {
    return masked(error instanceof Error ? (error.stack ?? error.message) : String(error))
  }
  const indent = (text: string) => text.trimEnd().replaceAll('\n', '\n       ')
  return [
    error.message,
    ...(error.at === undefined ? [] : [`  at   ${indent(error.at)}`]),
    ...(error.why === undefined ? [] : [`  why  ${indent(error.why)}`]),
    ...(error.advice === undefined ? [] : [`  do   ${indent(typable(error.advice))}`]),
  ].join('\n')
}

/** Where a command is named, and not, say, the account `sluice` of lab hosts. */
const commandLine =
  /\bsluice (?=(?:capacity|cost|destroy|dlq|doctor|drift|firewall|harden|help|inventory|lab|log|provision|up|verify-e2e)\b)/g

/** Text with its commands as they can be typed: in a clone of the project `sluice` is a script, and not on the PATH. */
export function typable(text: string, { npm_package_name, npm_lifecycle_event } = process.env): string {
  return npm_package_name === 'sluice' && npm_lifecycle_event !== undefined
    ? text.replaceAll(commandLine, 'npm run sluice -- ')
    : text
}

/** What work that was stopped from outside ends with. */
export function interrupted(): SluiceError {
  return new SluiceError('INTERRUPTED', {
    subject: 'the run was stopped',
    advice: 'run again: what was applied is kept, and the run goes on from there',
  })
}

/** Why something went wrong, in the words of what refused it; of a file only why, as its name is told beside that. */
export function reasonOf(error: unknown): string {
  if (error instanceof SluiceError) return error.why ? `${error.subject}: ${error.why}` : error.subject
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ')
  if (!(error instanceof Error)) return String(error)
  const { errno, path, code, syscall } = error as NodeJS.ErrnoException
  if (errno !== undefined && path !== undefined && !syscall?.startsWith('spawn'))
    return getSystemErrorMessage(errno)
  return error.message || (code ?? error.name)
}

/** Any error as one that can be shown beside others: what is not meant for users keeps its own words. */
export function asSluiceError(error: unknown): SluiceError {
  if (error instanceof SluiceError) return error
  return new SluiceError('UNEXPECTED', {
    subject: error instanceof Error ? error.message : String(error),
    why: error instanceof Error ? (error.stack ?? '') : '',
    advice: 'run again, with --verbose; if it comes again, report it with these lines',
    cause: error,
  })
}
