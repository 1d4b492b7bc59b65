import { setTimeout as sleep } from 'node:timers/promises'
import type { ExecutionContext } from 'ava'
import type { JsonDocument } from '../../playbooks/json-document.ts'
import { projectFolder, sluice } from './cli.ts'
import { documentsIn } from './json-documents.ts'

export type RunResult = Extract<JsonDocument, { type: 'run-ended' }>['result']

/** The program as a user types it, in a folder of its own: with --json. */
export function typed(environment: Record<string, string>) {
  /** Runs a command that works on hosts; what it ended with, and the time that the whole process took in the log. */
  async function run(t: ExecutionContext, words: string[]): Promise<{ exitCode: number; result: RunResult }> {
    const started = performance.now()
    const { exitCode, stdout, stderr } = await sluice(projectFolder(t), [...words, '--json'], environment)
    const seconds = ((performance.now() - started) / 1000).toFixed(1)
    t.log(`${words.join(' ')}: exit code ${exitCode} after ${seconds} s`)
    const documents = documentsIn(stdout)
    const end = documents.findLast((document) => document.type === 'run-ended')
    if (end === undefined)
      throw new Error(`the run did not end: ${stdout.slice(-2000)}${stderr.slice(-2000)}`)
    return { exitCode, result: end.result }
  }

  /** Lets verify-e2e prove the pipeline; it may need some time to come back before. */
  async function verified(t: ExecutionContext, { withinSeconds = 0 } = {}): Promise<void> {
    const deadline = performance.now() + withinSeconds * 1000
    for (;;) {
      const words = ['verify-e2e', '--json']
      const { exitCode, stdout, stderr } = await sluice(projectFolder(t), words, environment)
      const end = documentsIn(stdout).findLast((document) => document.type === 'verify-ended')
      if (exitCode === 0) {
        t.deepEqual(
          end?.result.checks.filter(({ status }) => status !== 'passed'),
          [],
        )
        return
      }
      if (performance.now() > deadline) {
        t.log(stdout, stderr)
        t.fail('verify-e2e did not pass')
        return
      }
      await sleep(1000)
    }
  }

  const text = (t: ExecutionContext, words: string[]) => sluice(projectFolder(t), words, environment)

  return { run, text, verified }
}

/** What a run changed, or a check would: host, kind and id, sorted. */
export function changesOf({ hosts }: RunResult): string[] {
  return hosts.flatMap(({ host, changed }) => changed.map(({ resource }) => `${host} ${resource}`)).sort()
}

/** What a check left to the run to decide. */
export function undecidedOf({ hosts }: RunResult): string[] {
  return hosts
    .flatMap(({ host, undecided = [] }) => undecided.map(({ resource }) => `${host} ${resource}`))
    .sort()
}

/** Why hosts did not get to their end. */
export function troubleOf({ hosts }: RunResult): string[] {
  return hosts.flatMap(({ host, error, reason }) =>
    error === undefined && reason === undefined
      ? []
      : [`${host}: ${error?.code} ${error?.subject} ${error?.why ?? ''} ${reason ?? ''}`],
  )
}
