import { SluiceError } from './errors.ts'
import { isRemoval, type Mode, type PlannedChange } from './events.ts'
import { type Change, concerns, isStaleBy, type Resource, resourceName, type Touched } from './resource.ts'
import type { Reading } from './survey.ts'

/** A resource with where in the playbook it comes from. */
export interface Placed {
  play: string
  role: string
  resource: Resource
}

/** What has to be done to a resource in this state: its diff, or in a removal, what is there. */
export function pendingChanges(resource: Resource, have: unknown, mode: Mode): Change[] {
  if (!isRemoval(mode)) return resource.diff(have)
  if (have === undefined || (resource.remove?.(have) ?? []).length === 0) return []
  return resource.restores
    ? [{ property: 'state', have: 'set by Sluice', want: 'as before' }]
    : [{ property: 'state', have: 'present', want: undefined }]
}

/** Why this resource cannot be brought to what it should be, unless earlier changes of these subjects see to it. */
export function refusalOf(
  resource: Resource,
  have: unknown,
  mode: Mode,
  pending: readonly string[] = [],
): SluiceError | undefined {
  return isRemoval(mode) ? undefined : resource.refuse?.(have, pending)
}

export interface Plan {
  /** What will be changed. */
  planned: PlannedChange[]
  /** What only the run can tell: it reads what a change must make first, or waits for a service that is not ready now. */
  undecided: PlannedChange[]
  /** Resources that are as declared. */
  ok: number
}

/**
 * Foretells a run from what the probes said. A resource that reads what an earlier pending change touches is
 * marked `after` it; where its kind can predict, the prediction is shown, else that it is decided then.
 *
 * @throws SluiceError PROBE_REFUSED when a state could not be read and no pending change explains it;
 *   what a resource itself refuses, for example PORT_TAKEN and DATA_AT_RISK
 */
export function planHost(
  host: string,
  placed: readonly Placed[],
  readings: ReadonlyMap<Resource, Reading>,
  mode: Mode,
): Plan {
  const planned: PlannedChange[] = []
  const undecided: PlannedChange[] = []
  const touched: (Touched & { by: string })[] = []
  let ok = 0
  for (const item of placed) {
    const { play, role, resource } = item
    const name = resourceName(resource)
    const before = touched.filter(({ subject }) => resource.reads.some((read) => concerns(subject, read)))
    const after = [...new Set(before.map(({ by }) => by))]
    // What is waited for comes with the change that it waits for.
    if (after.length > 0 && resource.waits) {
      ok++
      continue
    }
    const reading = readings.get(resource)
    if (reading?.state !== 'read') {
      if (after.length === 0) throw probeRefused(resource, reading).within(`${host} > ${role}`)
      undecided.push({ host, play, role, resource: name, changes: [], after })
      continue
    }
    const subjects = touched.map(({ subject }) => subject).filter((subject) => isStaleBy(resource, subject))
    const refusal = refusalOf(resource, reading.have, mode, subjects)
    if (refusal !== undefined) throw errorAt(host, item, refusal)
    const changes = whereItIs(`${host} > ${role}`, () =>
      before.length > 0 && resource.predict && !isRemoval(mode)
        ? resource.predict(reading.have, before)
        : pendingChanges(resource, reading.have, mode),
    )
    // What is not there is not removed, whatever else is.
    if (changes.length === 0 && (after.length === 0 || resource.predict || isRemoval(mode))) {
      ok++
      continue
    }
    const entry = { host, play, role, resource: name, changes, after }
    if (changes.length === 0 || resource.waits) undecided.push(entry)
    else planned.push(entry)
    if (changes.length > 0) {
      const content = changes.find(({ property }) => property === 'content')?.text?.want
      touched.push(...resource.touches(changes).map((subject) => ({ subject, content, by: name })))
    }
  }
  return { planned, undecided, ok }
}

/** What failed at a resource, with where that stands; what is no error for users stays what it is. */
export function errorAt(host: string, { role, resource }: Placed, error: unknown): unknown {
  if (!(error instanceof SluiceError)) return error
  // A step's own error has been placed where it ran.
  if (error.at?.startsWith(`${host} > `)) return error
  const name = resourceName(resource)
  const inside = error.at?.startsWith(name) ? error : error.within(name)
  return inside.within(`${host} > ${role}`)
}

/** A resource that refuses what is asked of it names itself; the plan knows where it stands. */
function whereItIs<Result>(place: string, judge: () => Result): Result {
  try {
    return judge()
  } catch (error) {
    throw error instanceof SluiceError ? error.within(place) : error
  }
}

export function probeRefused(resource: Resource, reading: Reading | undefined): SluiceError {
  const cause = reading?.state === 'refused' ? reading.cause : undefined
  if (cause instanceof SluiceError) return cause.within(resourceName(resource))
  return new SluiceError('PROBE_REFUSED', {
    subject: `could not read the state of ${resourceName(resource)}`,
    at: resourceName(resource),
    why: reading?.state === 'refused' ? reading.why : 'it was not asked',
    advice: 'see on the host why this cannot be read; nothing was changed by reading',
    cause,
  })
}
