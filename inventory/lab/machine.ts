import { mkdir, readFile, rm, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import { onController } from './controller.ts'
import { removeIfEmpty } from './directories.ts'
import { withLock } from './lock.ts'
import { nspawnDirectory } from './nspawn-traces.ts'
import { unmount } from './overlay.ts'
import type { LabSettings } from './settings.ts'
import { readRecord, writeRecord } from './state.ts'
import { raiseWatchers, restoreWatchers } from './watchers.ts'

const directory = '/run/sluice-lab'
const recordFile = join(directory, 'machine.json')
/** A record of its own: what machine.json has in it is agreed upon between all checkouts. */
const watchersFile = join(directory, 'watchers.json')
const forwarding = '/proc/sys/net/ipv4/ip_forward'

/** What all labs of this machine share, and what it was like before the first of them came. */
const MachineRecord = v.strictObject({
  /** The boot that this is about: a restart of the machine undoes it all. */
  boot: v.string(),
  labs: v.array(v.string()),
  formerForwarding: v.string(),
  mountedNspawnDirectory: v.boolean(),
})

/** The file that labs of this machine lock while they choose networks and change what they share. */
export const machineLock = join(directory, 'machine.lock')

/** The file that one lab's commands lock against one another. */
export function labLock({ name }: LabSettings): string {
  return join(directory, `${name}.lock`)
}

/** Gives the labs of this machine what they share. To be called with the machine locked. */
export async function joinMachine({ name }: LabSettings): Promise<void> {
  const boot = await bootId()
  const former = await readRecord(MachineRecord, recordFile)
  const current =
    former?.boot === boot
      ? former
      : { boot, labs: [], formerForwarding: await currentForwarding(), mountedNspawnDirectory: false }
  const record = { ...current, labs: [...new Set([...current.labs, name])] }
  await writeRecord(recordFile, record)
  await writeFile(forwarding, '1')
  await raiseWatchers(watchersFile, boot)
  if (await mountNspawnDirectory()) await writeRecord(recordFile, { ...record, mountedNspawnDirectory: true })
}

/** Takes a lab off the machine; the last one restores what was before. To be called with the lab locked. */
export async function leaveMachine(settings: LabSettings): Promise<void> {
  await withLock(machineLock, async () => {
    const record = await readRecord(MachineRecord, recordFile)
    const others = record?.labs.filter((name) => name !== settings.name) ?? []
    const boot = await bootId()
    if (record !== undefined && record.boot === boot) {
      if (others.length > 0) return writeRecord(recordFile, { ...record, labs: others })
      await writeFile(forwarding, record.formerForwarding)
      if (record.mountedNspawnDirectory) await unmount(nspawnDirectory)
    }
    await restoreWatchers(watchersFile, boot)
    await rm(recordFile, { force: true })
    await rm(machineLock, { force: true })
  })
  await rm(labLock(settings), { force: true })
  await removeIfEmpty(directory)
}

/** The labs that are up on this machine, by name. */
export async function labsOnMachine(): Promise<string[]> {
  const record = await readRecord(MachineRecord, recordFile)
  return record?.boot === (await bootId()) ? record.labs : []
}

/** nspawn refuses to clear its directory on a disk, and then cannot start a host a second time. */
async function mountNspawnDirectory(): Promise<boolean> {
  const tmpfs = 0x01021994
  await mkdir(nspawnDirectory, { recursive: true })
  if ((await statfs(nspawnDirectory)).type === tmpfs) return false
  await onController()`mount -t tmpfs -o mode=0755,nosuid,nodev sluice-lab ${nspawnDirectory}`
  return true
}

async function currentForwarding(): Promise<string> {
  return (await readFile(forwarding, 'utf8')).trim()
}

async function bootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
}
