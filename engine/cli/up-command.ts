import { setTimeout as sleep } from 'node:timers/promises'
import { type ErrorCode, SluiceError } from '../errors.ts'
import type { InventorySource } from '../inventory.ts'
import { duration } from '../report/wording.ts'
import { checkCommand } from './check-command.ts'
import { cloudOf, cloudOptions, showCloudRun } from './cloud.ts'
import type { CloudControls } from './cloud-controls.ts'
import { money } from './cost-command.ts'
import { exitCodeOfRun, exitCodes } from './exit-codes.ts'
import type { UpOptions } from './options.ts'
import { runCommand } from './run-command.ts'
import { connector, loadHosts, openSource, type Session } from './session.ts'

/** Makes the hosts of an inventory, waits until they let us in and, when asked to, goes on to the running pipeline. */
export async function upCommand(session: Session, options: UpOptions): Promise<number> {
  const cloud = await cloudOf(session, options)
  if (cloud === undefined) throw notOurs(session, await openSource(session, options))
  const exitCode = await makeHosts(session, cloud, options)
  if (exitCode !== exitCodes.converged || options.check) return exitCode
  if (!options.provision && !options.verify) return exitCode
  const provisioned = await provision(session, options)
  if (provisioned !== exitCodes.converged || !options.verify) return provisioned
  for (const check of session.registry.checks) {
    const checked = await checkCommand(session, check, options)
    if (checked !== exitCodes.converged) return checked
  }
  return exitCodes.converged
}

async function makeHosts(session: Session, cloud: CloudControls, options: UpOptions): Promise<number> {
  const { admin, publicKey, image, type, diskGb } = options
  const plan = await cloud.up(
    cloudOptions(session, {
      ...(admin.length > 0 && { admin }),
      ...(publicKey !== undefined && { publicKey }),
      ...(image !== undefined && { image }),
      ...(type !== undefined && { type }),
      ...(diskGb !== undefined && { diskGb }),
    }),
  )
  if (plan.cost !== undefined) {
    session.progress(`cost of all that is declared: ${money(plan.cost)}; sluice cost says of what`)
  }
  if (
    plan.login !== undefined &&
    !options.check &&
    (options.wait > 0 || options.provision || options.verify)
  ) {
    const { ensureKey } = await import('../transport/identity.ts')
    await ensureKey(plan.login, plan.login.publicKey)
  }
  const mode = options.check ? 'check' : 'apply'
  const exitCode = exitCodeOfRun(await showCloudRun(session, plan, options, { mode, removeData: false }))
  if (exitCode !== exitCodes.converged || options.check || options.wait === 0) return exitCode
  const reached = await reachAll(session, options)
  if (!options.json) session.print(reached)
  return exitCode
}

function notOurs({ registry }: Session, { name }: InventorySource): SluiceError {
  const makers = registry.inventories.filter(({ cloud }) => cloud !== undefined)
  return new SluiceError('USAGE', {
    subject: `the hosts of ${name} are not Sluice's to make`,
    at: 'the command line, --inventory',
    advice: `sluice provision works on them as they are; hosts can be made with ${makers.map(({ name }) => name).join(', ')}`,
  })
}

function provision(session: Session, options: UpOptions): Promise<number> {
  const { registry } = session
  const command = registry.playbooks.find(({ name }) => name === registry.destroyed)
  if (command === undefined) throw new TypeError(`there is no playbook ${registry.destroyed}`)
  return runCommand(session, command, options)
}

/** What a host says while it is starting. */
const notYet: ErrorCode[] = [
  'HOST_UNREACHABLE',
  'HOST_KEY_UNKNOWN',
  'LOGIN_REFUSED',
  'CONNECTION_LOST',
  'INSTANCE_MISSING',
  'INSTANCE_NOT_RUNNING',
]
const pauseMs = { first: 1000, longest: 10_000 }

/**
 * Waits until every host lets us in by SSH, with a key that is on record.
 *
 * @throws SluiceError the last reason, when the time is up
 */
async function reachAll(session: Session, options: UpOptions): Promise<string> {
  const started = performance.now()
  let said = ''
  for (let pause = pauseMs.first; ; pause = Math.min(pause * 1.5, pauseMs.longest)) {
    try {
      const { hosts } = await loadHosts(session, { ...options, refresh: true }, { create: false })
      const connect = await connector(session, options)
      const connections = await Promise.allSettled(hosts.map(connect))
      for (const each of connections) if (each.status === 'fulfilled') each.value.close()
      const refused = connections.find((each) => each.status === 'rejected')
      if (refused !== undefined) throw refused.reason
      const names = hosts.map(({ name }) => name).join(', ')
      return `Up: ${names} let us in by SSH after ${duration(performance.now() - started)}.`
    } catch (error) {
      if (!(error instanceof SluiceError) || !notYet.includes(error.code)) throw error
      if (performance.now() - started > options.wait * 1000) throw error
      const reason = `waits for SSH: ${error.message}`
      if (reason !== said) session.progress(reason)
      said = reason
    }
    await sleep(pause, undefined, { signal: session.signal })
  }
}
