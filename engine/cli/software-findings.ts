import type { Artifact } from '../artifacts/artifact.ts'
import { isPacked } from '../artifacts/cache.ts'
import type { UnmetPrerequisite } from '../artifacts/prerequisites.ts'
import type { Finding } from './finding.ts'

/** Where what hosts run would come from, and what this machine lacks for that, before any host is made. */
export function softwareFindings(
  artifacts: readonly Artifact[],
  { cacheDirectory, mirror }: { cacheDirectory: string; mirror: string | undefined },
): Promise<Finding[]> {
  return Promise.all(
    artifacts.map(async (artifact): Promise<Finding> => {
      const subject = `source: ${artifact.name}`
      for (const source of artifact.sources) {
        if (await isPacked(cacheDirectory, artifact, source))
          return { subject, state: 'ok', found: `${source.version}, in the cache` }
      }
      const judged = await Promise.all(
        artifact.sources.map(async (source) => ({ source, unmet: await source.unmetPrerequisite?.() })),
      )
      const usable = judged.find(({ unmet }) => unmet === undefined)?.source
      const lacks = judged.flatMap(({ source, unmet }) =>
        unmet === undefined ? [] : [{ label: source.label, ...unmet }],
      )
      const reasons = lacks.map(({ label, reason }) => `${label}: ${reason}`)
      if (usable === undefined && mirror === undefined)
        return { subject, state: 'problem', found: reasons.join('\n'), advice: adviceOf(lacks) }
      const from = usable === undefined ? `the mirror ${mirror}, or nowhere` : usable.label
      const first = judged[0]?.source
      const instead =
        usable === undefined || usable.version === first?.version
          ? ''
          : `, not ${first?.version}: ${reasons[0]}`
      return { subject, state: 'ok', found: `${usable?.version ?? artifact.version}, from ${from}${instead}` }
    }),
  )
}

/** What lacks is quicker installed than a mirror is made, so that comes first. */
function adviceOf(lacks: readonly UnmetPrerequisite[]): string {
  return [...new Set(lacks.map(({ advice }) => advice).reverse())].join('; or ')
}
