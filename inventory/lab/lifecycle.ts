import { mostLabHosts } from '../../engine/cli/lab-controls.ts'
import { SluiceError } from '../../engine/errors.ts'
import type { InventoryProgress } from '../../engine/inventory.ts'
import { ensureBase, removeBases } from './base-image.ts'
import { bridgeExists, makeBridge, removeBridge, usedNetworks } from './bridge.ts'
import { labGroups, removeGroups } from './cgroup.ts'
import { killAll } from './cgroup-processes.ts'
import { claimLabDirectory, removeLabDirectory } from './directories.ts'
import { cutPower, isRunning, removeHost, switchOn, untilReady } from './host.ts'
import { createHost } from './host-files.ts'
import { ensureIdentity } from './keys.ts'
import { writeKnownHosts } from './known-hosts.ts'
import { withLock } from './lock.ts'
import { joinMachine, labLock, labsOnMachine, leaveMachine, machineLock } from './machine.ts'
import { labPaths } from './names.ts'
import { chooseNetwork, type LabNetwork } from './network.ts'
import { makeHostsDirectory } from './overlay.ts'
import { ensurePrerequisites } from './prerequisites.ts'
import type { LabSettings } from './settings.ts'
import { hostNames, readHosts, readState, writeState } from './state.ts'

/**
 * Brings the lab up: at least `count` hosts, all of them booted. What is there and runs is left alone.
 *
 * @throws SluiceError LAB_UNAVAILABLE or LAB_FAILED, and INTERRUPTED when `signal` stopped it
 */
export async function bringUp(
  settings: LabSettings,
  count: number,
  progress: InventoryProgress,
  signal?: AbortSignal,
): Promise<void> {
  if (count > mostLabHosts) {
    throw new SluiceError('USAGE', {
      subject: `a lab of ${count} hosts is too large`,
      advice: `ask for ${mostLabHosts} at most`,
    })
  }
  if (await isUp(settings, count)) return
  const onWait = () => progress('waiting for another run to finish with the lab')
  try {
    await ensurePrerequisites(progress, signal)
    await withLock(labLock(settings), () => bringUpLocked(settings, count, progress, signal), {
      signal,
      onWait,
    })
  } catch (error) {
    if (signal?.aborted) throw interrupted(error)
    throw error
  }
}

function interrupted(cause: unknown): SluiceError {
  return new SluiceError('INTERRUPTED', {
    subject: 'bringing the lab up was interrupted',
    why: 'hosts that were being made are removed, and those that were being started are off; others are as before',
    advice: 'run it again, it goes on from there; or take the lab down: npm run lab -- down',
    cause,
  })
}

/**
 * Takes the lab down: hosts and their files, bridge, nft table, cgroups, mounts. The base image stays for the next
 * time, unless `withBase`.
 */
export async function takeDown(
  settings: LabSettings,
  progress: InventoryProgress,
  { withBase = false }: { withBase?: boolean } = {},
): Promise<void> {
  await ensurePrerequisites(progress)
  const lock = labLock(settings)
  const onWait = () => progress('waiting for another run to finish with the lab')
  await withLock(lock, () => takeDownLocked(settings, progress), { onWait })
  if (withBase) await removeBases(settings, await labsOnMachine(), progress)
}

/** The name of the host with a number. */
export function hostName(number: number): string {
  return `vm${number}`
}

async function isUp(settings: LabSettings, count: number): Promise<boolean> {
  const hosts = await readHosts(settings)
  const allRun = [...hosts.keys()].every((host) => isRunning(settings, host))
  return (
    hosts.size >= count && allRun && bridgeExists(settings) && (await labsOnMachine()).includes(settings.name)
  )
}

async function bringUpLocked(
  settings: LabSettings,
  count: number,
  progress: InventoryProgress,
  signal: AbortSignal | undefined,
): Promise<void> {
  const started = Date.now()
  const created: string[] = []
  const switchedOn: string[] = []
  await claimLabDirectory(settings)
  try {
    const base = await ensureBase(settings, progress, signal)
    const network = await withLock(machineLock, () => ensureNetwork(settings), { signal })
    await ensureIdentity(labPaths(settings).identity)
    await makeHostsDirectory(settings, base, progress)
    const former = await readHosts(settings)
    const wanted = Array.from({ length: count }, (_, index) => index + 1)
    const missing = wanted.filter((number) => !former.has(hostName(number)))
    if (missing.length > 0) progress(`making ${missing.map(hostName).join(', ')} in ${network.network}`)
    await allDone(
      missing.map(async (number) => {
        signal?.throwIfAborted()
        created.push(hostName(number))
        await createHost(settings, network, hostName(number), number, base)
      }),
    )
    const hosts = await readHosts(settings)
    await writeKnownHosts(settings, network, hosts)
    const off = [...hosts].filter(([host]) => !isRunning(settings, host))
    await allDone(
      off.map(async ([host, record]) => {
        signal?.throwIfAborted()
        switchedOn.push(host)
        await switchOn(settings, host, record.base)
      }),
    )
    await allDone(
      [...hosts.keys()].map((host) => untilReady(settings, host, { fresh: created.includes(host), signal })),
    )
    progress(`${[...hosts.keys()].join(', ')} ready after ${((Date.now() - started) / 1000).toFixed(1)} s`)
  } catch (error) {
    if (signal?.aborted) await undo(settings, created, switchedOn, progress)
    throw error
  }
}

/** After an interruption: hosts that were being made go, hosts that were being started are off again. */
async function undo(
  settings: LabSettings,
  created: readonly string[],
  switchedOn: readonly string[],
  progress: InventoryProgress,
): Promise<void> {
  progress('interrupted: taking back what was half made')
  await allDone(created.map((host) => removeHost(settings, host)))
  await allDone(switchedOn.filter((host) => !created.includes(host)).map((host) => cutPower(settings, host)))
  if ((await hostNames(settings)).length === 0) await takeDownLocked(settings, () => undefined)
}

async function ensureNetwork(settings: LabSettings): Promise<LabNetwork> {
  const former = await readState(settings)
  const asked = former ?? { network: settings.network, network6: settings.network6 }
  for (const key of ['network', 'network6'] as const) {
    if (former !== undefined && settings[key] !== undefined && settings[key] !== former[key]) {
      throw new SluiceError('LAB_UNAVAILABLE', {
        subject: `the lab has the network ${former[key]}, and ${settings[key]} is asked for`,
        advice:
          'take it down before: npm run lab -- down; or unset SLUICE_LAB_NETWORK and SLUICE_LAB_NETWORK6',
      })
    }
  }
  const network = chooseNetwork(asked, await usedNetworks(settings))
  await joinMachine(settings)
  await writeState(settings, network)
  await makeBridge(settings, network)
  return network
}

async function takeDownLocked(settings: LabSettings, progress: InventoryProgress): Promise<void> {
  const hosts = await hostNames(settings)
  progress(hosts.length === 0 ? 'no hosts to remove' : `removing ${hosts.join(', ')}`)
  await allDone(hosts.map((host) => cutPower(settings, host)))
  await killAll(labGroups(settings))
  await removeGroups(labGroups(settings))
  await removeBridge(settings)
  await removeLabDirectory(settings)
  await leaveMachine(settings)
}

/** Waits until all are done, so that nothing goes on behind an error, and then throws the first one there was. */
async function allDone(work: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(work)
  for (const result of results) if (result.status === 'rejected') throw result.reason
}
