import { SluiceError } from '../errors.ts'
import { isUnderWay, listRuns, readRun } from '../report/run-record.ts'
import type { Session } from './session.ts'

/** A run that is under way is one of the newest. */
const runsLookedAt = 20

/**
 * Looks before hosts are removed whether this project is at work on them.
 *
 * @throws SluiceError HOST_LOCKED while a run of this project is at the hosts of the inventory
 */
export function refuseUnderWay({ projectDirectory }: Session, inventory: string): void {
  const atWork = listRuns(projectDirectory)
    .slice(0, runsLookedAt)
    .map((id) => readRun(projectDirectory, id))
    .find((record) => record.header.inventory === inventory && isUnderWay(record))
  if (atWork === undefined) return
  throw new SluiceError('HOST_LOCKED', {
    subject: `a run is at the hosts of ${inventory}, and nothing was removed`,
    why: `${atWork.id} by ${atWork.header.user}, process ${atWork.header.process}`,
    advice: 'wait until it has ended, or stop it by Ctrl-C there, then try again',
  })
}
