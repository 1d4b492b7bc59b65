import { SluiceError } from '../../../engine/errors.ts'
import type { Step } from '../../../engine/resource.ts'
import { type RegionConnection, regionOf } from './connection.ts'

type Progress = (message: string) => void

/** One request, or a few that belong together, to the EC2 API. */
export function step(
  summary: string,
  act: (region: RegionConnection, progress: Progress) => Promise<void>,
): Step {
  return { kind: 'controller', summary, act: (access) => act(regionOf(access), access.progress) }
}

/** How long what something else still uses is waited for: an instance may take minutes to be gone. */
const freeSeconds = 900

/** Removes something, again and again while AWS says that something else still uses it. That it is gone is fine. */
export async function onceFree(
  { api }: RegionConnection,
  progress: Progress,
  remove: () => Promise<unknown>,
): Promise<void> {
  await api.until({ what: 'nothing uses it any more', seconds: freeSeconds, progress }, async () => {
    try {
      await remove()
      return true
    } catch (error) {
      const name = error instanceof SluiceError && error.cause instanceof Error ? error.cause.name : ''
      if (/NotFound$/.test(name)) return true
      if (/^DependencyViolation$|^IncorrectInstanceState$|^InvalidGroup\.InUse$/.test(name)) return undefined
      throw error
    }
  })
}
