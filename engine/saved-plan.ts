import { createHmac, randomBytes } from 'node:crypto'
import * as v from 'valibot'
import { reasonOf, SluiceError } from './errors.ts'
import type { HostResult, PlannedChange } from './events.ts'
import { Name, parseWith } from './schemas.ts'
import { maskedDeep } from './secret.ts'

const Change = v.strictObject({
  property: v.string(),
  have: v.pipe(v.optional(v.string()), v.description('left out where nothing is there')),
  want: v.pipe(v.optional(v.string()), v.description('left out where nothing should be there')),
})

const SavedChange = v.strictObject({
  play: v.string(),
  role: v.string(),
  resource: v.string(),
  after: v.pipe(v.array(v.string()), v.description('resources whose own change must come first')),
  changes: v.pipe(v.array(Change), v.description('to be read; secrets are ***, texts are left out')),
  fingerprint: v.pipe(
    v.string(),
    v.regex(/^[0-9a-f]{64}$/),
    v.description('HMAC-SHA-256 of the whole change, texts and secrets too, keyed with the salt'),
  ),
})
type SavedChange = v.InferOutput<typeof SavedChange>

/** What `--check --out` writes and `--plan` reads. */
export const SavedPlan = v.strictObject({
  type: v.literal('sluice-plan'),
  version: v.literal(1),
  at: v.pipe(v.string(), v.isoTimestamp()),
  by: v.pipe(v.string(), v.description('user@controller')),
  playbook: v.string(),
  inventory: v.string(),
  tags: v.array(v.string()),
  skipTags: v.array(v.string()),
  startAt: v.exactOptional(v.strictObject({ role: v.string(), resource: v.exactOptional(v.string()) })),
  removal: v.pipe(
    v.exactOptional(v.strictObject({ data: v.boolean() })),
    v.description('of a plan of destroy: whether data goes too'),
  ),
  salt: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/)),
  hosts: v.record(Name, v.array(SavedChange)),
})
export type SavedPlan = v.InferOutput<typeof SavedPlan>

/** The plan of a check that came to its end on all hosts. */
export function savedPlan(
  hosts: readonly HostResult[],
  about: Omit<SavedPlan, 'type' | 'version' | 'at' | 'salt' | 'hosts'>,
): SavedPlan {
  const salt = randomBytes(16).toString('hex')
  const entries = hosts.map(({ host, changed, undecided = [] }) => [
    host,
    [...changed, ...undecided].map((planned) => toSaved(planned, salt)),
  ])
  return {
    type: 'sluice-plan',
    version: 1,
    at: new Date().toISOString(),
    ...about,
    salt,
    hosts: Object.fromEntries(entries),
  }
}

/** @throws SluiceError USAGE with what is wrong in it */
export function parseSavedPlan(text: string, file: string): SavedPlan {
  const advice = 'write it anew with --check --out; a plan of another version cannot be used'
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch (cause) {
    throw new SluiceError('USAGE', {
      subject: 'the plan is not JSON',
      at: file,
      why: reasonOf(cause),
      advice,
      cause,
    })
  }
  return parseWith(SavedPlan, content, { code: 'USAGE', place: file, advice })
}

/** What of a host's plan is not what was planned, in words: resource by resource. */
export function differences(
  plan: SavedPlan,
  host: string,
  now: readonly Omit<PlannedChange, 'host'>[],
): string[] {
  const saved = plan.hosts[host] ?? []
  const current = now.map((planned) => toSaved(planned, plan.salt))
  const twin = (one: SavedChange, among: readonly SavedChange[]) =>
    among.find((other) => keyOf(other) === keyOf(one))
  return [
    ...saved.flatMap((planned) => {
      const found = twin(planned, current)
      if (found === undefined) return [`${planned.resource}: planned ${inWords(planned)}, is as declared now`]
      if (found.fingerprint === planned.fingerprint) return []
      const [before, after] = [inWords(planned), inWords(found)]
      return before === after
        ? [`${planned.resource}: ${before}, but not from or to the same text as planned`]
        : [`${planned.resource}: planned ${before}, now ${after}`]
    }),
    ...current
      .filter((found) => twin(found, saved) === undefined)
      .map((found) => `${found.resource}: not in the plan, now ${inWords(found)}`),
  ]
}

/** What tells a change from the others of its host. */
export function keyOf({ play, role, resource }: Pick<PlannedChange, 'play' | 'role' | 'resource'>): string {
  return JSON.stringify([play, role, resource])
}

/** Why a change may not be made, where it is none of those that were planned; without a plan every one may. */
export function unplanned(
  permitted: ReadonlySet<string> | undefined,
  change: Omit<PlannedChange, 'after'>,
): SluiceError | undefined {
  if (permitted === undefined || permitted.has(keyOf(change))) return undefined
  const properties = change.changes.map(({ property }) => property).join(', ')
  return planOutdated(change.host, [`${change.resource}: not in the plan, now differs in ${properties}`])
}

export function planOutdated(host: string, found: readonly string[]): SluiceError {
  return new SluiceError('PLAN_OUTDATED', {
    subject: `${host} is not as it was when the plan was made`,
    at: host,
    why: found.join('\n'),
    advice:
      'look at it with --check, write a plan anew with --check --out, and use the same variables with --plan',
  })
}

function toSaved(planned: Omit<PlannedChange, 'host'>, salt: string): SavedChange {
  const { play, role, resource, after, changes } = planned
  const whole = changes.map(({ property, have, want, text }) => [
    property,
    have ?? null,
    want ?? null,
    text ? [text.have ?? null, text.want] : null,
  ])
  const fingerprint = createHmac('sha256', salt)
    .update(JSON.stringify([play, role, resource, after, whole]))
    .digest('hex')
  const shown = maskedDeep(
    changes.map(({ property, have, want }) => ({
      property,
      ...(have !== undefined && { have }),
      ...(want !== undefined && { want }),
    })),
  )
  return { play, role, resource, after, changes: shown, fingerprint }
}

function inWords({ changes, after }: SavedChange): string {
  if (changes.length === 0) return `what is decided after ${after.join(', ')}`
  return changes
    .map(({ property, have, want }) => `${property} ${have ?? 'absent'} → ${want ?? 'absent'}`)
    .join(', ')
}
