import { SluiceError } from './errors.ts'
import type { Mode } from './events.ts'
import { errorAt, type Placed, pendingChanges, probeRefused } from './plan.ts'
import type { Change, ControllerAccess } from './resource.ts'
import { survey } from './survey.ts'

/**
 * Asks again about what was changed: it must now be as declared.
 *
 * @throws SluiceError NOT_CONVERGED, PROBE_REFUSED; never is something silently "changed"
 */
export async function verify(placed: readonly Placed[], mode: Mode, access: ControllerAccess): Promise<void> {
  if (placed.length === 0) return
  const { name } = access.connection.host
  const readings = await survey(
    placed.map(({ resource }) => resource),
    access,
  )
  for (const item of placed) {
    const reading = readings.get(item.resource)
    if (reading?.state !== 'read') throw errorAt(name, item, probeRefused(item.resource, reading))
    const left = pendingChanges(item.resource, reading.have, mode)
    if (left.length > 0) throw errorAt(name, item, notConverged(left))
  }
}

function notConverged(left: readonly Change[]): SluiceError {
  const sides = left.map(
    ({ property, have, want }) => `${property} should be ${want ?? 'absent'}, is ${have ?? 'absent'}`,
  )
  return new SluiceError('NOT_CONVERGED', {
    subject: `it was changed and is still not as declared: ${sides.join('; ')}`,
    advice: 'something else on the host may set it back, or the value is not one that the host keeps',
  })
}
