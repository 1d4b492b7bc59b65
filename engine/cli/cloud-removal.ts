import { SluiceError, typable } from '../errors.ts'
import { cloudOptions, showCloudRun } from './cloud.ts'
import type { CloudControls } from './cloud-controls.ts'
import { confirmed } from './confirm.ts'
import { exitCodeOfRun, exitCodes } from './exit-codes.ts'
import { refuseAttachedLimit } from './npm-attached.ts'
import type { DestroyOptions } from './options.ts'
import type { Session } from './session.ts'
import { refuseUnderWay } from './under-way.ts'

/**
 * Removes the hosts that `up` made at a provider, and all that was made for them there, and proves that nothing is left;
 * with `--check` it only says what that would be.
 */
export async function removeCloud(
  session: Session,
  cloud: CloudControls,
  options: DestroyOptions,
): Promise<number> {
  const { print, progress } = session
  const removal = await cloud.down(cloudOptions(session))
  if (removal === undefined || removal.things.length === 0) {
    if (!options.check) await removal?.leftovers()
    if (!options.json) {
      print('Nothing to remove: sluice up has made nothing here.')
      print(
        typable(
          'What was installed on hosts that you made yourself is removed by sluice destroy --installed.',
        ),
      )
    }
    return exitCodes.converged
  }
  refuseAttachedLimit(removal.things.map((thing) => thing.replace(/ .*/, '')))
  if (!options.check) refuseUnderWay(session, removal.inventory.name)
  for (const thing of removal.things) progress(`to be removed: ${thing}`)
  if (options.check) {
    const manner = { mode: 'check-removal', removeData: true } as const
    return exitCodeOfRun(await showCloudRun(session, removal, options, manner))
  }
  const question = `This removes ${removal.summary}, the hosts with all data on them. Type "yes" to go on: `
  if (!options.yes && !(await confirmed(session, question))) {
    if (!options.json) print('Nothing was removed.')
    return exitCodes.failed
  }
  const result = await showCloudRun(session, removal, options, { mode: 'remove', removeData: true })
  const exitCode = exitCodeOfRun(result)
  if (exitCode !== exitCodes.converged) return exitCode
  const left = await removal.leftovers()
  if (left.length > 0) {
    throw new SluiceError('NOT_CONVERGED', {
      subject: `after the removal there still is: ${left.join(', ')}`,
      advice: 'run sluice destroy again; where it stays, see there what uses it',
    })
  }
  if (!options.json) print(`All of it is gone: asked again, nothing is left of ${removal.summary}.`)
  return exitCode
}
