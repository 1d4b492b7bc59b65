import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cacheDirectory } from '../cache-directory.ts'
import { SluiceError, typable } from '../errors.ts'
import { duration } from '../report/wording.ts'
import { columns } from './columns.ts'
import { exitCodes } from './exit-codes.ts'
import type { CommandDocument } from './json-documents.ts'
import type { LabControls, LabOptions } from './lab-controls.ts'
import type { Session } from './session.ts'
import { refuseUnderWay } from './under-way.ts'

/** `lab up`: makes and starts the lab's hosts, `count` of them where that is said. */
export async function labUp(session: Session, count: number | undefined): Promise<number> {
  const lab = await session.registry.lab.load()
  await lab.up(count, labOptions(session))
  return showStatus(session, lab, false)
}

/** `lab down`: stops the hosts and leaves nothing of them; says what stays for the next lab. */
export async function labDown(session: Session): Promise<number> {
  refuseUnderWay(session, 'lab')
  const lab = await session.registry.lab.load()
  await lab.down(labOptions(session))
  session.print('The lab is down: no host, mount or network of it is left, and no file of a host.')
  const kept = [
    ...lab.kept(labOptions(session)).map((path) => `the base image (${path})`),
    ...[cacheDirectory(process.env)].filter(existsSync).map((path) => `what was downloaded (${path})`),
  ]
  if (kept.length > 0)
    session.print(
      `Kept for the next lab: ${kept.join(' and ')}. Remove these folders to have their room back.`,
    )
  return exitCodes.converged
}

/** `lab status`: each host and how it is. */
export async function labStatus(session: Session, { json }: { json: boolean }): Promise<number> {
  return showStatus(session, await session.registry.lab.load(), json)
}

/** `lab reboot`: starts these hosts again (all without names), as a reboot inside them would. */
export async function labReboot(session: Session, names: string[]): Promise<number> {
  const lab = await session.registry.lab.load()
  const known = await runningHosts(session, lab)
  for (const name of names) checkHost(name, known)
  await lab.reboot(names.length === 0 ? known : names, labOptions(session))
  return showStatus(session, lab, false)
}

/** `lab ssh`: a shell on a host, or a command there; its exit code is ours. */
export async function labSsh(session: Session, host: string | undefined, command: string[]): Promise<number> {
  const lab = await session.registry.lab.load()
  const known = await runningHosts(session, lab)
  if (host === undefined) {
    throw new SluiceError('USAGE', {
      subject: 'lab ssh logs in to one host, and none is named',
      at: 'the command line',
      why: running(known),
      advice: `sluice lab ${known.length === 0 ? 'up' : `ssh ${known[0]}`}`,
    })
  }
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
    for (const host of hosts)
      session.print(JSON.stringify({ type: 'lab-host', ...host } satisfies CommandDocument))
  } else if (hosts.every(({ state }) => state === 'missing')) {
    session.print(typable('The lab is down. `sluice lab up` starts it.'))
  } else {
    const rows = hosts.map(({ name, address = '', state, memoryMb, uptimeSeconds }) => [
      name,
      address,
      state,
      memoryMb === undefined ? '' : `${memoryMb} MB`,
      uptimeSeconds === undefined ? '' : uptime(uptimeSeconds),
    ])
    for (const line of columns([['host', 'address', 'state', 'memory', 'up for'], ...rows]))
      session.print(line)
  }
  return exitCodes.converged
}

function uptime(seconds: number): string {
  return seconds < 60 ? `${seconds} s` : duration(seconds * 1000)
}

async function runningHosts(session: Session, lab: LabControls): Promise<string[]> {
  const hosts = await lab.status(labOptions(session))
  return hosts.filter(({ state }) => state === 'running').map(({ name }) => name)
}

function checkHost(name: string, known: readonly string[]): void {
  if (known.includes(name)) return
  throw new SluiceError('HOSTS_UNKNOWN', {
    subject: `no host "${name}" of the lab is running`,
    why: running(known),
    advice: known.length === 0 ? 'start it with `sluice lab up`' : 'name one of these',
  })
}

function running(hosts: readonly string[]): string {
  return `running: ${hosts.join(', ') || 'none'}`
}

function labOptions({ projectDirectory, progress, signal }: Session): LabOptions {
  return { projectDirectory, progress, signal }
}
