import { SluiceError } from '../errors.ts'
import type { SavedPlan } from '../saved-plan.ts'
import { cloudOf } from './cloud.ts'
import { confirmed } from './confirm.ts'
import { exitCodeOfRun, exitCodes } from './exit-codes.ts'
import type { DestroyOptions } from './options.ts'
import { checkOut, hostsOfPlan, likePlan, planAhead, readPlan } from './plan-file.ts'
import { named, prepareRun, showRun } from './run-command.ts'
import { type Chosen, inventoryChoice, loadHosts, type Session } from './session.ts'

const name = 'destroy'

/**
 * Removes what the playbook's roles made and, where the inventory made the hosts, the hosts themselves. Only the removal
 * of what was installed can be kept as a plan: hosts that go as a whole are not looked into.
 */
export async function destroyCommand(session: Session, options: DestroyOptions): Promise<number> {
  const { registry, print, stdin } = session
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
  if (cloud !== undefined) {
    if (options.out !== undefined) throw noPlanOfHosts(session, typed)
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
  const found = await loadHosts(session, typed, { create: false, change: true })
  const chosen =
    savedPlan !== undefined && options.plan !== undefined
      ? hostsOfPlan(options.plan, savedPlan, found, { name })
      : found
  const question = `This removes ${installed(chosen, typed.data)}. Type "yes" to go on: `
  if (!options.yes && !(await confirmed(session, question))) {
    if (!options.json) print('Nothing was removed.')
    return exitCodes.failed
  }
  const manner = { mode: 'remove', removeData: typed.data, ...(savedPlan && { savedPlan }) } as const
  return exitCodeOfRun(await showRun(session, chosen, prepared, typed, manner))
}

/** What the plan was made with; hosts that go as a whole have none. */
function plannedOptions(options: DestroyOptions, plan: SavedPlan): DestroyOptions {
  return { ...likePlan(options, plan), installed: true, data: plan.removal?.data ?? false }
}

function noPlanOfHosts(session: Session, { inventory }: DestroyOptions): SluiceError {
  return new SluiceError('USAGE', {
    subject: `the hosts of ${inventoryChoice(session, inventory).name} were made by Sluice and go as a whole: no plan of that is kept`,
    at: 'the command line, --out',
    advice: 'add --installed to plan the removal from hosts that stay; --check alone shows what goes',
  })
}

function installed({ inventory, hosts }: Chosen, data: boolean): string {
  const names = hosts.map((host) => host.name).join(', ')
  return `what Sluice installed on ${names} (${inventory.name}), ${data ? 'AND ITS DATA' : 'keeping its data'}`
}
