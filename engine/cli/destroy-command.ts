import { createInterface } from 'node:readline/promises'
import { SluiceError } from '../errors.ts'
import { exitCodeOfRun, exitCodes } from './exit-codes.ts'
import type { DestroyOptions } from './options.ts'
import { prepareRun, showRun } from './run-command.ts'
import { type Chosen, loadHosts, type Session } from './session.ts'

/** Removes what the playbook's roles made and, where the inventory made the hosts, the hosts themselves. */
export async function destroyCommand(session: Session, options: DestroyOptions): Promise<number> {
  const { registry, projectDirectory, progress, signal, print, stdin } = session
  if (!options.yes && !stdin.isTTY) {
    throw new SluiceError('USAGE', {
      subject: 'destroy asks before it removes anything, and there is no terminal to ask on',
      advice: 'add --yes',
    })
  }
  const command = registry.playbooks.find(({ name }) => name === registry.destroyed)
  if (command === undefined) throw new TypeError(`there is no playbook ${registry.destroyed}`)
  const prepared = await prepareRun(session, command, options)
  const chosen = await loadHosts(session, options, { create: false })
  const whole = options.limit === undefined && options.tags.length + options.skipTags.length === 0
  const destroyHosts = whole ? chosen.source.destroy : undefined
  if (
    !options.yes &&
    !(await confirmed(session, question(chosen, options.data, destroyHosts !== undefined)))
  ) {
    print('Nothing was removed.')
    return exitCodes.failed
  }
  const result = await showRun(session, chosen, prepared, options, {
    mode: 'remove',
    removeData: options.data,
  })
  if (destroyHosts !== undefined && !result.interrupted) {
    await destroyHosts.call(chosen.source, { projectDirectory, progress, signal })
    if (!options.json) print(`The hosts of ${chosen.inventory.name} are gone.`)
  }
  return exitCodeOfRun(result)
}

function question({ inventory, hosts }: Chosen, data: boolean, hostsToo: boolean): string {
  const names = hosts.map(({ name }) => name).join(', ')
  const what = hostsToo
    ? `the hosts ${names} of ${inventory.name} themselves, with all that is on them`
    : `what Sluice installed on ${names} (${inventory.name}), ${data ? 'AND ITS DATA' : 'keeping its data'}`
  return `This removes ${what}. Type "yes" to go on: `
}

async function confirmed({ stdin, stderr, signal }: Session, text: string): Promise<boolean> {
  const lines = createInterface({ input: stdin, output: stderr as NodeJS.WriteStream })
  try {
    return (await lines.question(text, { signal })).trim() === 'yes'
  } finally {
    lines.close()
  }
}
