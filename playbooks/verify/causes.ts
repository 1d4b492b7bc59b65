import { gotThrough } from './matrix.ts'
import { type Attempt, type CheckResult, titleOf } from './result.ts'

type Part = NonNullable<CheckResult['lacks']>[number]

/** The checks of the hosts of a part without which nobody gets an answer there, the most upstream first. */
const needed: Record<Part, string[]> = {
  kafka: ['login', 'zookeeper.service', 'kafka.service', 'kafka'],
  mongodb: ['login', 'mongod.service', 'mongodb'],
}

export interface Surroundings {
  matrix: readonly Attempt[]
  /** The names of the hosts of a part. */
  hostsOf(part: Part): string[]
}

/**
 * Which failures follow from others: a check that lacked parts of the pipeline follows from the failed checks of these,
 * or from a firewall that kept its host from there. One that lacks a part which is well elsewhere stands for itself.
 */
export function withCauses(checks: readonly CheckResult[], surroundings: Surroundings): CheckResult[] {
  const failed = new Set(checks.filter(({ status }) => status === 'failed').map(titleOf))
  return checks.map((check) => {
    const causes = candidatesOf(check, surroundings).map((titles) =>
      titles.filter((title) => failed.has(title)),
    )
    const explained = causes.length > 0 && causes.every((titles) => titles.length > 0)
    return check.status === 'failed' && explained ? { ...check, because: [...new Set(causes.flat())] } : check
  })
}

/** What may explain a failure, for each of the parts that it lacked. */
function candidatesOf(
  { name, host, lacks = [] }: CheckResult,
  { matrix, hostsOf }: Surroundings,
): string[][] {
  const on = (check: string, hosts: readonly string[]) =>
    hosts.map((each) => titleOf({ name: check, host: each }))
  if (name === 'kafka') return [on('zookeeper.service', hostsOf('kafka'))]
  return lacks.map((part) => {
    const hosts = hostsOf(part)
    const kept = matrix.some(
      (attempt) =>
        attempt.from === host && hosts.includes(attempt.to) && attempt.allowed && !gotThrough(attempt),
    )
    return [
      ...needed[part].flatMap((check) => on(check, hosts)),
      ...(kept && host !== undefined ? on('firewall', [host]) : []),
    ]
  })
}
