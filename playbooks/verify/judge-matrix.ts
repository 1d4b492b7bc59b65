import { isIPv4 } from 'node:net'
import { type Answer, CheckFailure } from './checklist.ts'
import { asAllowed, gotThrough } from './matrix.ts'
import type { Attempt, Evidence } from './result.ts'

/** Of how many hosts the firewall is shown. */
const shownSuspects = 3

/**
 * Judges what came of the attempts of one source.
 *
 * @param evidence what to look at where a host lets in too much or too little
 */
export async function judgeAttempts(
  attempts: readonly Attempt[],
  evidence: (host: string) => Promise<Evidence[]>,
): Promise<Answer<undefined>> {
  const wrong = attempts.filter((attempt) => !asAllowed(attempt))
  if (wrong.length === 0) return { detail: summaryOf(attempts), value: undefined }
  const [denied, allowed] = [false, true].map((kind) => wrong.filter(({ allowed }) => allowed === kind))
  const problems = [
    ...(denied?.length ? [`got through, should be denied: ${placesOf(denied, attempts)}`] : []),
    ...(allowed?.length ? [`did not get through, should be allowed: ${placesOf(allowed, attempts)}`] : []),
  ]
  const suspects = [...new Set(wrong.map(({ to }) => to))].slice(0, shownSuspects)
  throw new CheckFailure(problems.join('; '), {
    advice:
      'sluice firewall diff shows the rules that differ from the policy, sluice harden --tags firewall sets them right',
    look: (await Promise.all(suspects.map(evidence))).flat(),
  })
}

/** `vm1 22, 9092 (IPv6)`: the ports by host, with the address family where the other one is as it should be. */
function placesOf(wrong: readonly Attempt[], all: readonly Attempt[]): string {
  const hosts = Map.groupBy(wrong, ({ to }) => to)
  const places = [...hosts].map(([to, ofHost]) => {
    const ports = [...Map.groupBy(ofHost, ({ port }) => port)].map(([port, ofPort]) => {
      const tried = all.filter((attempt) => attempt.to === to && attempt.port === port)
      const families = new Set(ofPort.map(({ address }) => (isIPv4(address) ? 'IPv4' : 'IPv6')))
      return ofPort.length === tried.length ? `${port}` : `${port} (${[...families].join(', ')})`
    })
    return `${to} ${ports.join(', ')}`
  })
  return places.join('; ')
}

/** `10.0.1.10:22` or `[fd77::a]:22`. */
const socketName = ({ address, port }: Pick<Attempt, 'address' | 'port'>): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`

function summaryOf(attempts: readonly Attempt[]): string {
  const through = attempts.filter(gotThrough)
  const silent = through.filter(({ got }) => got === 'refused')
  const nothing =
    silent.length === 0
      ? ''
      : ` (nothing listens on ${silent.map((each) => `${each.to} ${socketName(each)}`).join(', ')})`
  return `${through.length} allowed got through${nothing}, ${attempts.length - through.length} denied did not`
}
