import * as v from 'valibot'
import { errorCodes } from '../errors.ts'

/**
 * What a run prints with `--json`: one document of this form a line, in the order in which things happen.
 * A run ends with `run-ended`; a command that could not begin ends with `error`.
 */

export const JsonError = v.strictObject({
  code: v.pipe(
    v.picklist(Object.keys(errorCodes) as (keyof typeof errorCodes)[]),
    v.description('docs/errors.md says what each means'),
  ),
  subject: v.pipe(v.string(), v.description('what failed, in one sentence')),
  at: v.pipe(v.optional(v.string()), v.description('where: host > role > resource, or a file')),
  why: v.pipe(v.optional(v.string()), v.description('the cause, or the last lines that the host printed')),
  advice: v.pipe(v.optional(v.string()), v.description('one thing to try next')),
})

const Change = v.strictObject({
  property: v.string(),
  have: v.pipe(v.optional(v.string()), v.description('left out where nothing is there')),
  want: v.pipe(v.optional(v.string()), v.description('left out where nothing should be there')),
  text: v.pipe(
    v.optional(v.strictObject({ have: v.optional(v.string()), want: v.string() })),
    v.description('both sides whole, with --diff'),
  ),
})

const place = { host: v.string(), play: v.string(), role: v.string(), resource: v.string() }
const Place = v.strictObject(place)
const PlannedChange = v.strictObject({
  ...place,
  changes: v.array(Change),
  after: v.pipe(v.array(v.string()), v.description('resources whose own change must come first')),
})
const Milliseconds = v.pipe(v.number(), v.integer(), v.minValue(0))
export const Count = v.pipe(v.number(), v.integer(), v.minValue(0))

const HostResult = v.strictObject({
  host: v.string(),
  status: v.picklist(['ok', 'changed', 'failed', 'skipped']),
  ok: Count,
  changed: v.array(PlannedChange),
  undecided: v.pipe(
    v.optional(v.array(PlannedChange)),
    v.description('in a check: what only the run can tell, for what it waits for is not done or not ready'),
  ),
  noticed: v.pipe(v.optional(v.array(v.string())), v.description('what the host had to say of earlier runs')),
  begun: v.pipe(
    v.optional(v.array(v.string())),
    v.description('resources whose change began and did not end: some of it may be done'),
  ),
  notTried: v.array(v.string()),
  error: v.optional(JsonError),
  reason: v.optional(v.string()),
  durationMs: Milliseconds,
})

const Profile = v.strictObject({
  hosts: v.array(
    v.strictObject({
      host: v.string(),
      connect: Milliseconds,
      read: v.pipe(Milliseconds, v.description('facts, and the state of all resources')),
      apply: Milliseconds,
      verify: v.pipe(Milliseconds, v.description('the proof that what was changed now holds')),
    }),
  ),
  roles: v.array(
    v.strictObject({ role: v.string(), resources: Count, hosts: Count, durationMs: Milliseconds }),
  ),
  resources: v.pipe(
    v.array(v.strictObject({ ...place, durationMs: Milliseconds })),
    v.description('those that were changed or waited for, the longest first, 50 at most'),
  ),
})

const mode = v.picklist(['apply', 'check', 'remove', 'check-removal'])
const noun = v.pipe(
  v.optional(v.string()),
  v.description('what one of the hosts is, where it is no host: region'),
)

export const RunSummary = v.strictObject({
  playbook: v.string(),
  mode,
  noun,
  hosts: v.array(HostResult),
  durationMs: Milliseconds,
  interrupted: v.boolean(),
  profile: v.pipe(v.optional(Profile), v.description('where the time went')),
})

export const RunDocument = v.variant('type', [
  v.strictObject({
    type: v.literal('run-started'),
    playbook: v.string(),
    mode,
    noun,
    hosts: v.array(v.string()),
  }),
  v.strictObject({ type: v.literal('host-connecting'), host: v.string(), address: v.string() }),
  v.strictObject({ type: v.literal('host-noticed'), host: v.string(), message: v.string() }),
  v.strictObject({
    type: v.literal('host-surveyed'),
    host: v.string(),
    resources: Count,
    pending: Count,
    durationMs: Milliseconds,
  }),
  v.strictObject({ type: v.literal('resource-planned'), planned: PlannedChange }),
  v.strictObject({ type: v.literal('resource-started'), place: Place }),
  v.strictObject({ type: v.literal('resource-progress'), place: Place, message: v.string() }),
  v.strictObject({ type: v.literal('resource-changed'), planned: PlannedChange, durationMs: Milliseconds }),
  v.strictObject({ type: v.literal('resource-waited'), place: Place, durationMs: Milliseconds }),
  v.strictObject({
    type: v.literal('phase-ended'),
    host: v.string(),
    phase: v.picklist(['connect', 'read', 'verify']),
    durationMs: Milliseconds,
  }),
  v.strictObject({
    type: v.literal('host-waiting'),
    host: v.string(),
    play: v.string(),
    needs: v.array(v.string()),
  }),
  v.strictObject({ type: v.literal('host-ended'), result: HostResult }),
  v.strictObject({ type: v.literal('run-ended'), result: RunSummary }),
  v.strictObject({ type: v.literal('error'), error: JsonError }),
])
export type RunDocument = v.InferOutput<typeof RunDocument>
