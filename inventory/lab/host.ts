import { existsSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { SluiceError } from '../../engine/errors.ts'
import { hostGroups, makeHostGroups, removeGroups, supervisorGroups } from './cgroup.ts'
import { containerInit, killAll, processesIn, signalGroup } from './cgroup-processes.ts'
import { onController } from './controller.ts'
import { hostPaths } from './names.ts'
import { removeNspawnTraces } from './nspawn-traces.ts'
import { mountHost, unmountHost } from './overlay.ts'
import type { LabSettings } from './settings.ts'
import { startSupervisor } from './supervisor.ts'

const bootSeconds = 90
const haltSeconds = 45

/** Whether a host runs, or is about to. */
export function isRunning(settings: LabSettings, host: string): boolean {
  const groups = [...supervisorGroups(settings, host), ...hostGroups(settings, host)]
  return processesIn(groups).length > 0
}

/** Switches a host on. It is not ready yet: see `untilReady`. */
export async function switchOn(settings: LabSettings, host: string, base: string): Promise<void> {
  if (isRunning(settings, host)) return
  await mountHost(settings, host, base)
  await makeHostGroups(settings, host)
  await startSupervisor(settings, host)
}

/** Takes the power from a host at once: nothing in it gets a chance to write or say goodbye. */
export async function cutPower(settings: LabSettings, host: string): Promise<void> {
  await killAll(supervisorGroups(settings, host))
  await killAll(hostGroups(settings, host))
  await removeNspawnTraces(settings, host)
  await unmountHost(settings, host)
  await removeGroups([...hostGroups(settings, host), ...supervisorGroups(settings, host)])
}

/** Halts a host in order, and takes its power when that takes too long. */
export async function halt(settings: LabSettings, host: string): Promise<void> {
  signalGroup(supervisorGroups(settings, host), 'SIGTERM')
  const deadline = Date.now() + haltSeconds * 1000
  while (isRunning(settings, host) && Date.now() < deadline) await sleep(50)
  await cutPower(settings, host)
}

/** Takes the power from a host and deletes its files. */
export async function removeHost(settings: LabSettings, host: string): Promise<void> {
  await cutPower(settings, host)
  const { root } = hostPaths(settings, host)
  for (const directory of [root, `${root}.new`]) await rm(directory, { recursive: true, force: true })
}

/** Restarts a host from inside, and waits until it is ready again. */
export async function restart(settings: LabSettings, host: string, signal?: AbortSignal): Promise<void> {
  const former = containerInit(hostGroups(settings, host))
  if (former === undefined) throw notRunning(host)
  await inside(former)`systemctl reboot`
  await untilReady(settings, host, { after: former, signal })
}

/**
 * Waits until a host has booted: systemd says `running`, so that sshd answers and nothing failed. On a host that has
 * been in use a unit may fail for reasons that are not the lab's, so `degraded` will do.
 *
 * @param after an init of the same host that is about to end
 * @param fresh whether this is the first boot of a new host
 * @throws SluiceError LAB_FAILED when the host does not get there, with what it says about it
 */
export async function untilReady(
  settings: LabSettings,
  host: string,
  {
    after,
    fresh = false,
    signal,
  }: { after?: number; fresh?: boolean; signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const deadline = Date.now() + bootSeconds * 1000
  let state = 'off'
  while (Date.now() < deadline) {
    signal?.throwIfAborted()
    const init = containerInit(hostGroups(settings, host))
    if (init !== undefined && init !== after) {
      state = await systemState(init, signal)
      if (state === 'running' || (state === 'degraded' && !fresh)) return
      if (state === 'degraded') throw failedUnits(host, await listFailedUnits(init))
    } else if (!isRunning(settings, host)) {
      throw didNotStart(settings, host)
    }
    await sleep(30)
  }
  throw new SluiceError('LAB_FAILED', {
    subject: `${host} did not finish booting in ${bootSeconds} s, its state is "${state}"`,
    at: host,
    why: consoleTail(settings, host),
    advice: `look at it with: npm run lab -- ssh ${host}; or make the lab anew: npm run lab -- down, and up`,
  })
}

/** A shell on the inside of a host, as its root, by no network. */
function inside(init: number, signal?: AbortSignal) {
  const run = onController(signal, { nothrow: true, prefix: '', timeout: '20s' })
  return (command: TemplateStringsArray) =>
    run`nsenter --target ${init} --mount --uts --ipc --net --pid sh -c ${command.join('')}`
}

/** What systemd says of itself; while it boots this waits for it to finish, and answers nothing before it listens. */
async function systemState(init: number, signal: AbortSignal | undefined): Promise<string> {
  const { stdout } = await inside(init, signal)`systemctl is-system-running --wait`
  return stdout.trim()
}

async function listFailedUnits(init: number): Promise<string> {
  const { stdout } = await inside(
    init,
  )`systemctl --failed --plain --no-legend; journalctl --boot --priority=err --no-pager --lines=20`
  return stdout
}

function failedUnits(host: string, why: string): SluiceError {
  return new SluiceError('LAB_FAILED', {
    subject: `${host} booted, but some of its units failed`,
    at: host,
    why,
    advice: `look into it: npm run lab -- ssh ${host}; or make the lab anew: npm run lab -- down, and up`,
  })
}

function notRunning(host: string): SluiceError {
  return new SluiceError('LAB_FAILED', {
    subject: `${host} is not running`,
    at: host,
    advice: 'start it: npm run lab -- up',
  })
}

function didNotStart(settings: LabSettings, host: string): SluiceError {
  return new SluiceError('LAB_FAILED', {
    subject: `${host} ended while it was booting`,
    at: host,
    why: consoleTail(settings, host),
    advice: 'make the lab anew: npm run lab -- down, and up',
  })
}

function consoleTail(settings: LabSettings, host: string): string {
  const { console } = hostPaths(settings, host)
  if (!existsSync(console)) return 'it wrote nothing to its console'
  return readFileSync(console, 'utf8').trim().split('\n').slice(-20).join('\n')
}
