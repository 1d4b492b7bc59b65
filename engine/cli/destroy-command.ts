import { SluiceError } from '../errors.ts'
import { cloudOf } from './cloud.ts'
import { confirmed } from './confirm.ts'
import { exitCodeOfRun, exitCodes } from './exit-codes.ts'
import type { DestroyOptions } from './options.ts'
import { named, prepareRun, showRun } from './run-command.ts'
import { type Chosen, loadHosts, openSource, type Session } from './session.ts'

/** Removes what the playbook's roles made and, where the inventory made the hosts, the hosts themselves. */
export async function destroyCommand(session: Session, options: DestroyOptions): Promise<number> {
  const { registry, projectDirectory, progress, signal, print, stdin } = session
  if (!options.yes && !stdin.isTTY) {
    throw new SluiceError('USAGE', {
      subject: 'destroy asks before it removes anything, and there is no terminal to ask on',
      advice: 'add --yes',
    })
  }
  const whole =
    !options.installed && options.limit === undefined && options.tags.length + options.skipTags.length === 0
  const cloud = whole ? await cloudOf(session, options) : undefined
  if (cloud !== undefined) {
    const { removeCloud } = await import('./cloud-removal.ts')
    return removeCloud(session, cloud, options)
  }
  const command = registry.playbooks.find(({ name }) => name === registry.destroyed)
  if (command === undefined) throw new TypeError(`there is no playbook ${registry.destroyed}`)
  const prepared = named('destroy', await prepareRun(session, command, options))
  const source = await openSource(session, options)
  const destroyHosts = whole ? source.destroy?.bind(source) : undefined
  const chosen = await loadHosts(session, options, { create: false, change: true }).catch(
    (error: unknown) => {
      // Hosts that are not up have nothing to be removed from, and can be destroyed all the same.
      const notUp = error instanceof SluiceError && error.code === 'LAB_UNAVAILABLE'
      if (destroyHosts === undefined || !notUp) throw error
      return undefined
    },
  )
  const what =
    destroyHosts !== undefined
      ? `the hosts of ${source.name} themselves, with all that is on them`
      : installed(chosen, options.data)
  if (!options.yes && !(await confirmed(session, `This removes ${what}. Type "yes" to go on: `))) {
    print('Nothing was removed.')
    return exitCodes.failed
  }
  const result =
    chosen &&
    (await showRun(session, chosen, prepared, options, { mode: 'remove', removeData: options.data }))
  if (destroyHosts !== undefined && !result?.interrupted) {
    await destroyHosts({ projectDirectory, progress, signal })
    if (!options.json) print(`The hosts of ${source.name} are gone.`)
  }
  return result === undefined ? exitCodes.converged : exitCodeOfRun(result)
}

function installed(chosen: Chosen | undefined, data: boolean): string {
  const names = chosen?.hosts.map(({ name }) => name).join(', ')
  return `what Sluice installed on ${names} (${chosen?.inventory.name}), ${data ? 'AND ITS DATA' : 'keeping its data'}`
}
