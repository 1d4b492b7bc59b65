import { spawn } from 'node:child_process'
import { SluiceError } from '../errors.ts'
import { columns } from './columns.ts'
import { exitCodes } from './exit-codes.ts'
import type { LabControls, LabOptions } from './registry.ts'
import type { Session } from './session.ts'

/** `lab up`: makes and starts the lab's hosts, `count` of them where that is said. */
export async function labUp(session: Session, count: number | undefined): Promise<number> {
  const lab = await session.registry.lab.load()
  await lab.up(count, labOptions(session))
  return showStatus(session, lab, false)
}

/** `lab down`: stops the hosts and leaves nothing of them. */
export async function labDown(session: Session): Promise<number> {
  const lab = await session.registry.lab.load()
  await lab.down(labOptions(session))
  session.print('The lab is down: no host, mount, network or file of it is left.')
  return exitCodes.converged
}

/** `lab status`: each host and how it is. */
export async function labStatus(session: Session, { json }: { json: boolean }): Promise<number> {
  return showStatus(session, await session.registry.lab.load(), json)
}

/** `lab reboot`: starts these hosts again (all without names), as a reboot inside them would. */
export async function labReboot(session: Session, names: string[]): Promise<number> {
  const lab = await session.registry.lab.load()
  const known = (await lab.status(labOptions(session))).map(({ name }) => name)
  for (const name of names) checkHost(name, known)
  await lab.reboot(names.length === 0 ? known : names, labOptions(session))
  return showStatus(session, lab, false)
}

/** `lab ssh`: a shell on a host, or a command there; its exit code is ours. */
export async function labSsh(session: Session, host: string, command: string[]): Promise<number> {
  const lab = await session.registry.lab.load()
  const known = (await lab.status(labOptions(session))).map(({ name }) => name)
  checkHost(host, known)
  const [program = 'ssh', ...words] = await lab.sshCommand(host, command, labOptions(session))
  // Ctrl-C is for what runs on the host.
  process.removeAllListeners('SIGINT')
  process.on('SIGINT', () => {})
  return new Promise((resolve, reject) => {
    spawn(program, words, { stdio: 'inherit' })
      .on('error', reject)
      .on('close', (code) => resolve(code ?? exitCodes.interrupted))
  })
}

async function showStatus(session: Session, lab: LabControls, json: boolean): Promise<number> {
  const hosts = await lab.status(labOptions(session))
  if (json) {
    for (const host of hosts) session.print(JSON.stringify(host))
  } else if (hosts.length === 0) {
    session.print('The lab is down. `sluice lab up` starts it.')
  } else {
    const rows = hosts.map(({ name, address, state, groups }) => [name, address, state, groups.join(', ')])
    for (const line of columns([['host', 'address', 'state', 'groups'], ...rows])) session.print(line)
  }
  return exitCodes.converged
}

function checkHost(name: string, known: readonly string[]): void {
  if (known.includes(name)) return
  throw new SluiceError('HOSTS_UNKNOWN', {
    subject: `the lab has no host "${name}"`,
    why: `its hosts: ${known.join(', ') || 'none, it is down'}`,
    advice: known.length === 0 ? 'start it with `sluice lab up`' : 'name one of these',
  })
}

function labOptions({ projectDirectory, progress, signal }: Session): LabOptions {
  return { projectDirectory, progress, signal }
}
