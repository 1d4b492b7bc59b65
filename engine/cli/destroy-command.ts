import { SluiceError } from '../errors.ts'
import type { SavedPlan } from '../saved-plan.ts'
import { cloudOf } from './cloud.ts'
import { confirmed } from './confirm.ts'
import { exitCodeOfRun, exitCodes } from './exit-codes.ts'
import type { DestroyOptions } from './options.ts'
import { checkOut, hostsOfPlan, likePlan, planAhead, readPlan } from './plan-file.ts'
import { named, prepareRun, showRun } from './run-command.ts'
import { type Chosen, loadHosts, openSource, type Session } from './session.ts'

const name = 'destroy'

/**
 * Removes what the playbook's roles made and, where the inventory made the hosts, the hosts themselves. Only the removal
 * of what was installed can be kept as a plan: hosts that go as a whole are not looked into.
 */
export async function destroyCommand(session: Session, options: DestroyOptions): Promise<number> {
  const { registry, projectDirectory, progress, signal, print, stdin } = session
  checkOut({ name }, options)
  if (!options.yes && !options.check && !stdin.isTTY) {
    throw new SluiceError('USAGE', {
      subject: 'destroy asks before it removes anything, and there is no terminal to ask on',
      advice: 'add --yes',
    })
  }
  const savedPlan = options.plan === undefined ? undefined : await readPlan(options.plan, { name })
  const typed = savedPlan === undefined ? options : plannedOptions(options, savedPlan)
  const whole =
    !typed.installed && typed.limit === undefined && typed.tags.length + typed.skipTags.length === 0
  const cloud = whole ? await cloudOf(session, typed) : undefined
  const source = await openSource(session, typed)
  const planned = cloud === undefined ? options.check : options.out !== undefined
  if (planned && (cloud !== undefined || (whole && source.destroy !== undefined)))
    throw wholeHosts(source.name, cloud === undefined ? '--check' : '--out')
  if (cloud !== undefined) {
    const { removeCloud } = await import('./cloud-removal.ts')
    return removeCloud(session, cloud, typed)
  }
  const command = registry.playbooks.find((playbook) => playbook.name === registry.destroyed)
  if (command === undefined) throw new TypeError(`there is no playbook ${registry.destroyed}`)
  const prepared = named(name, await prepareRun(session, command, typed))
  if (options.check) {
    const chosen = await loadHosts(session, typed, { create: false })
    return planAhead(session, { name, removal: { data: typed.data } }, typed, { prepared, chosen })
  }
  const destroyHosts = whole ? source.destroy?.bind(source) : undefined
  const found = await loadHosts(session, typed, { create: false, change: true }).catch((error: unknown) => {
    // Hosts that are not up have nothing to be removed from, and can be destroyed all the same.
    const notUp = error instanceof SluiceError && error.code === 'LAB_UNAVAILABLE'
    if (destroyHosts === undefined || !notUp) throw error
    return undefined
  })
  const chosen =
    found && savedPlan && options.plan !== undefined
      ? hostsOfPlan(options.plan, savedPlan, found, { name })
      : found
  const what =
    destroyHosts !== undefined
      ? `the hosts of ${source.name} themselves, with all that is on them`
      : installed(chosen, typed.data)
  if (!options.yes && !(await confirmed(session, `This removes ${what}. Type "yes" to go on: `))) {
    print('Nothing was removed.')
    return exitCodes.failed
  }
  const manner = { mode: 'remove', removeData: typed.data, ...(savedPlan && { savedPlan }) } as const
  const result = chosen && (await showRun(session, chosen, prepared, typed, manner))
  if (destroyHosts !== undefined && !result?.interrupted) {
    await destroyHosts({ projectDirectory, progress, signal })
    if (!options.json) print(`The hosts of ${source.name} are gone.`)
  }
  return result === undefined ? exitCodes.converged : exitCodeOfRun(result)
}

/** What the plan was made with; hosts that go as a whole have none. */
function plannedOptions(options: DestroyOptions, plan: SavedPlan): DestroyOptions {
  return { ...likePlan(options, plan), installed: true, data: plan.removal?.data ?? false }
}

function wholeHosts(inventory: string, option: '--check' | '--out'): SluiceError {
  const shown =
    option === '--out'
      ? '--check alone shows what goes'
      : 'without --check and --yes, destroy lists what goes and asks'
  return new SluiceError('USAGE', {
    subject: `the hosts of ${inventory} were made by Sluice and go as a whole: there is nothing to be planned`,
    at: `the command line, ${option}`,
    advice: `add --installed to see what would be removed from hosts that stay; ${shown}`,
  })
}

function installed(chosen: Chosen | undefined, data: boolean): string {
  const names = chosen?.hosts.map((host) => host.name).join(', ')
  return `what Sluice installed on ${names} (${chosen?.inventory.name}), ${data ? 'AND ITS DATA' : 'keeping its data'}`
}
